"""Parts of the rows that share a value of a column, and whether a challenger is worse on any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import GateResult, Verdict
from perennial.learning.arrays import Floats
from perennial.learning.bootstrap import chance_of_more
from perennial.learning.scored import Scored
from perennial.learning.words import number, percent

MOST = 50
"""The most frequent values of a slicing column that are looked at."""

FALSE_DISCOVERIES = 0.05
"""The share of slices called worse that may not be."""

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows with one value of one column.

    Attributes:
        name: ``column=value``.
        scored: The deciding figure on them.
    """

    name: str
    scored: Scored


def sliced(scored: Scored, columns: Mapping[str, Sequence[object]]) -> Iterator[Slice]:
    """Yield the slices of each column, a missing value being a value, too.

    Args:
        scored: On all rows.
        columns: By name, shape (rows,).
    """
    for column, values in columns.items():
        texts = np.array(_texts(values))
        for value in sorted(value for value, _ in Counter(texts.tolist()).most_common(MOST)):
            yield Slice(f"{column}={value}", scored.among(texts == value))


def overlooked(columns: Mapping[str, Sequence[object]], *, minimum_rows: int) -> int:
    """Return how many values with at least so many rows are no slice, as they are not among the ``MOST`` of their column."""
    rest = (Counter(_texts(values)).most_common()[MOST:] for values in columns.values())
    return sum(rows >= minimum_rows for others in rest for _, rows in others)


def _texts(values: Sequence[object]) -> list[str]:
    return ["missing" if value is None else str(value) for value in values]


def slices_gate(slices: Sequence[Slice], *, margin: float, minimum_rows: int, beyond: int = 0) -> GateResult:
    """Ask whether the challenger is worse than the champion by more than *margin* on any slice of at least *minimum_rows* rows.

    The margin is a share of the champion's figure on the slice. Each slice has a one-sided p-value; the procedure of Benjamini and
    Hochberg names those that are worse, of which at most ``FALSE_DISCOVERIES`` are named by chance. A slice cannot be told where
    its rows are of one day, or of a few days that are all alike. Where none can be told, or none is large enough, nothing was
    compared, and the gate is inconclusive. Without a champion it passes.

    Args:
        slices: Those to look at.
        margin: The tolerated loss.
        minimum_rows: From how many rows on a slice counts.
        beyond: How many more such slices nobody looks at, for the sentence; see ``overlooked``.

    References:
        Benjamini, Hochberg, Controlling the false discovery rate, 1995.
    """
    if slices and not any("champion" in one.scored.figures for one in slices):
        return _gate(Verdict.PASS, "There is no champion to be compared with on any slice: passed.")
    large = [one for one in slices if one.scored.actual.size >= minimum_rows]
    chances = np.array([_chance(one.scored, margin) for one in large])
    told = np.isfinite(chances)
    compared = [one for one, known in zip(large, told, strict=True) if known]
    untold = [one.name for one, known in zip(large, told, strict=True) if not known]
    worse = [one for one, named in zip(compared, _discovered(chances[told]), strict=True) if named]
    looked = f"{_counted(compared, minimum_rows)}; asked for: none with a loss more than {percent(margin)} above the champion's"
    rest = f"; {_listed(untold)} could not be told, for want of days that differ" if untold else ""
    rest += f"; {beyond} more were not looked at, beyond the {MOST} most frequent values of a column" if beyond else ""
    if worse:
        return _gate(Verdict.FAIL, f"{looked}; found worse: {_listed([_beside(one) for one in worse], '; ')}{rest}: failed.")
    if not compared:
        return _gate(Verdict.INCONCLUSIVE, f"{looked}{rest}: inconclusive, as nothing was compared.")
    return _gate(Verdict.PASS, f"{looked}{rest}: passed.")


def _chance(scored: Scored, margin: float) -> float:
    asked = scored.losses("champion") + margin * np.abs(scored.figures["champion"])
    room = scored.room(asked)
    return chance_of_more(-(scored.below(asked) if room is None else room), scored.day_count)


def _discovered(chances: Floats) -> list[bool]:
    """Return which of the p-values, shape (slices,), are discoveries."""
    order = np.argsort(chances, kind="stable")
    under = np.flatnonzero(chances[order] <= FALSE_DISCOVERIES * np.arange(1, chances.size + 1) / max(chances.size, 1))
    named = set(order[: under[-1] + 1].tolist()) if under.size else set()
    return [place in named for place in range(chances.size)]


def _beside(one: Slice) -> str:
    challenger, champion = (float(one.scored.figures[role][0]) for role in ("challenger", "champion"))
    return f"{one.name} ({number(challenger)}{one.scored.unit} beside {number(champion)}{one.scored.unit})"


def _counted(compared: Sequence[Slice], minimum_rows: int) -> str:
    return f"{len(compared)} slice{'s' if len(compared) != 1 else ''} of at least {minimum_rows} rows"


def _listed(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return between.join(names[:_NAMED]) + more


def _gate(verdict: Verdict, sentence: str) -> GateResult:
    return GateResult(gate="slices", verdict=verdict, sentence=sentence)
