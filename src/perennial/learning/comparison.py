"""Challenger, champion and baseline on the same rows: figures, gates and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.receipts import Estimate, GateResult, Verdict
from perennial.learning.gates import baseline_gate, champion_gate, floor_gate
from perennial.learning.jackknife import estimate
from perennial.learning.metrics import Floats
from perennial.learning.scored import Scored, score
from perennial.learning.words import days, number

MAX_SLICES = 50
"""The most frequent values of a slicing column that get figures of their own."""

_GRAVEST_FIRST = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out.

    Attributes:
        metrics: By role (challenger, champion, baseline) and figure, those that are defined; and the deciding figure by slice,
            under ``role[column=value]``.
        gates: What each gate said.
        verdict: error where a gate cannot be told, else fail where one fails, else inconclusive where one is, else pass.
        sentence: All of it in one sentence.
    """

    metrics: dict[str, dict[str, Estimate]]
    gates: tuple[GateResult, ...]
    verdict: Verdict
    sentence: str


def compare(
    *,
    metric: str,
    report: Sequence[str],
    actual: npt.ArrayLike,
    predictions: Mapping[str, npt.NDArray[np.float64]],
    blocks: npt.ArrayLike,
    baseline_margin: float = 0.0,
    champion_rule: Literal["superior", "non_inferior"] = "superior",
    champion_margin: float = 0.0,
    floor_within: float | None = None,
    floor_share: float | None = None,
    unit: str = "",
    slices: Mapping[str, Sequence[object]] | None = None,
) -> Comparison:
    """Judge a challenger on rows that none of the models was trained on.

    Args:
        metric: The figure that decides.
        report: Further figures.
        actual: Shape (rows,).
        predictions: By role, shape (rows,): challenger, baseline, and champion if there is one.
        blocks: Shape (rows,), the number of the day that each row belongs to.
        baseline_margin: By which share of its loss the baseline must at least be beaten.
        champion_rule: superior or non_inferior.
        champion_margin: The tolerated loss, as a share of the champion's figure; for non_inferior.
        floor_within: The largest error that counts as right, in the label's unit; None for no floor.
        floor_share: The share of rows that must be right.
        unit: The unit of the deciding figure, for the sentences.
        slices: By column, shape (rows,), the values by which the deciding figure is also told.

    Raises:
        DataError: DATA_EMPTY, there are no rows.
        DefinitionError: DEFINITION_RANGE, no such figure.
    """
    truth, of_day = np.asarray(actual, dtype=np.float64), np.asarray(blocks, dtype=np.int64)
    if not truth.size:
        raise DataError(Code.DATA_EMPTY, "must have rows to be compared on, got none", where="holdout")
    scored = score(str(metric), truth, predictions, of_day, unit=unit)
    gates = [baseline_gate(scored, share=baseline_margin), champion_gate(scored, rule=champion_rule, margin=champion_margin)]
    if floor_within is not None and floor_share is not None:
        gates.append(floor_gate(scored, within=floor_within, share=floor_share))
    metrics = _figures(scored, report)
    for column, values in (slices or {}).items():
        metrics.update(_sliced(scored, column, values))
    verdict = next((one for one in _GRAVEST_FIRST if one in {gate.verdict for gate in gates}), Verdict.PASS)
    return Comparison(metrics, tuple(gates), verdict, _sentence(scored, gates, verdict))


def _figures(scored: Scored, report: Sequence[str]) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {role: {} for role in scored.predictions}
    for name in dict.fromkeys((scored.metric, *map(str, report))):
        also = scored if name == scored.metric else score(name, scored.actual, scored.predictions, scored.days)
        for role, figures in also.figures.items():
            if np.isfinite(figures[0]):
                found[role][name] = estimate(figures)
    return found


def _sliced(scored: Scored, column: str, values: Sequence[object]) -> Iterator[tuple[str, dict[str, Estimate]]]:
    texts = np.array(["missing" if value is None else str(value) for value in values])
    common = sorted(value for value, _ in Counter(texts.tolist()).most_common(MAX_SLICES))
    for value in common:
        rows = texts == value
        part = {role: predicted[rows] for role, predicted in scored.predictions.items()}
        for role, figures in _defined(scored.metric, scored.actual[rows], part, scored.days[rows]):
            yield f"{role}[{column}={value}]", {scored.metric: estimate(figures)}


def _defined(
    metric: str, actual: Floats, predictions: Mapping[str, Floats], of_day: npt.NDArray[np.int64]
) -> Iterator[tuple[str, Floats]]:
    for role, figures in score(metric, actual, predictions, of_day).figures.items():
        if np.isfinite(figures[0]):
            yield role, figures


def _sentence(scored: Scored, gates: Sequence[GateResult], verdict: Verdict) -> str:
    figures = ", ".join(f"{role} {number(float(found[0]))}{scored.unit}" for role, found in scored.figures.items())
    named = ", ".join(gate.gate for gate in gates if gate.verdict is verdict)
    outcome = {
        Verdict.PASS: f"The challenger passes every gate ({named})",
        Verdict.FAIL: f"The challenger fails at {named}",
        Verdict.INCONCLUSIVE: f"Whether the challenger passes is inconclusive at {named}",
        Verdict.ERROR: f"Whether the challenger passes cannot be told at {named}, where a figure is undefined",
    }[verdict]
    return f"{outcome}, with {scored.metric} {figures} on {scored.actual.size} rows of {days(scored.day_count)}."
