"""What a version has not seen, and what its figures cannot tell, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from perennial.core.receipts import Evaluation, ModelVersion, Validation
from perennial.learning.words import days
from perennial.steps.cards.record import Described, Learnt

_YEAR = timedelta(days=365)
_WEEK = timedelta(days=7)


def limits(
    described: Described, learnt: Learnt, version: ModelVersion, validation: Validation, evaluation: Evaluation | None
) -> Iterator[str]:
    """Yield the limits of a version. Names in them are text as it stands in the definition."""
    if not described.of_then:
        yield "The definition has changed since: what it says may not hold for this version."
    yield from _of_time(learnt, version)
    yield from _of_columns(learnt)
    if validation.quarantined:
        refused = f"{validation.quarantined} of {validation.rows} rows"
        yield f"{refused} did not meet the expectations and were left out: it has learnt nothing of such rows."
    yield from _of_figures(evaluation)


def _of_time(learnt: Learnt, version: ModelVersion) -> Iterator[str]:
    start, end = version.trained_on.start, version.trained_on.end
    yield f"It learnt from {version.rows} rows of {days(learnt.days)} between {start:%Y-%m-%d} and {end:%Y-%m-%d}, and of no other."
    if version.trained_on.length < _YEAR:
        yield "That is less than a year: it has not seen all seasons and holidays."


def _of_columns(learnt: Learnt) -> Iterator[str]:
    columns = learnt.columns
    numbers = [one for one in columns if one.low is not None]
    if numbers:
        yield "Of numbers outside of the ranges in the table it has seen few or none."
    for one in columns:
        if one.values is not None:
            yield f"Of {one.column} it has seen {one.values} different values; any other is new to it."
    constant = [one.column for one in numbers if one.low == one.high]
    empty = [one.column for one in columns if one.missing == one.rows]
    whole = [one.column for one in columns if one.missing == 0]
    if constant:
        yield f"Always the same in training: {_listed(constant)}."
    if empty:
        yield f"Always missing in training: {_listed(empty)}."
    if whole:
        yield f"Never missing in training: {_listed(whole)}. What to predict without them it could not learn."


def _of_figures(evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None:
        yield "It was not evaluated: nothing is known of its errors."
        return
    estimates = [figure for of_role in evaluation.metrics.values() for figure in of_role.values()]
    length = evaluation.holdout.length
    if any(figure.low is None for figure in estimates):
        yield "Some figures have no interval, for the rows that they come from are of too few days."
    if length < _WEEK:
        yield f"The figures are those of {days(max(length.days, 1))}: not every weekday is among them, and the intervals are wide."
    if evaluation.importance:
        yield "Importance is told for one column at a time: where two say the same, each seems to matter little."
    if "elapsed_days" in evaluation.importance:
        yield "All held-out rows are later than the training, so the importance of elapsed_days there is not what it is worth."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
