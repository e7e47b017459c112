"""Parts of the rows that share a value of a column, and whether a challenger is worse on any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perennial.core.receipts import GateResult, Verdict
from perennial.learning.bootstrap import chance_of_more
from perennial.learning.metrics import Floats
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
        texts = np.array(["missing" if value is None else str(value) for value in values])
        for value in sorted(value for value, _ in Counter(texts.tolist()).most_common(MOST)):
            yield Slice(f"{column}={value}", scored.among(texts == value))


def slices_gate(slices: Sequence[Slice], *, margin: float, minimum_rows: int) -> GateResult:
    """Ask whether the challenger is worse than the champion by more than *margin* on any slice of at least *minimum_rows* rows.

    The margin is a share of the champion's figure on the slice. Each slice has a one-sided p-value; the procedure of Benjamini and
    Hochberg names those that are worse, of which at most ``FALSE_DISCOVERIES`` are named by chance. Slices with rows of one day
    only cannot be told.

    References:
        Benjamini, Hochberg, Controlling the false discovery rate, 1995.
    """
    large = [one for one in slices if one.scored.actual.size >= minimum_rows]
    if not any("champion" in one.scored.figures for one in slices):
        return _gate(Verdict.PASS, "There is no champion to be compared with on any slice: passed.")
    chances = np.array([_chance(one.scored, margin) for one in large])
    told = np.isfinite(chances)
    compared = [one for one, known in zip(large, told, strict=True) if known]
    worse = [one for one, named in zip(compared, _discovered(chances[told]), strict=True) if named]
    asked = f"asked for: none with a loss more than {percent(margin)} above the champion's"
    looked = f"{len(compared)} slices of at least {minimum_rows} rows; {asked}"
    if not worse:
        return _gate(Verdict.PASS, f"{looked}: passed.")
    shown = "; ".join(_beside(one) for one in worse[:_NAMED])
    more = f" and {len(worse) - _NAMED} more" if len(worse) > _NAMED else ""
    return _gate(Verdict.FAIL, f"{looked}; found worse: {shown}{more}: failed.")


def _chance(scored: Scored, margin: float) -> float:
    champion: Floats = scored.figures["champion"]
    excess = scored.losses("challenger") - scored.losses("champion") - margin * abs(float(champion[0]))
    return chance_of_more(excess, scored.day_count)


def _discovered(chances: Floats) -> list[bool]:
    """Return which of the p-values, shape (slices,), are discoveries."""
    order = np.argsort(chances, kind="stable")
    under = np.flatnonzero(chances[order] <= FALSE_DISCOVERIES * np.arange(1, chances.size + 1) / max(chances.size, 1))
    named = set(order[: under[-1] + 1].tolist()) if under.size else set()
    return [place in named for place in range(chances.size)]


def _beside(one: Slice) -> str:
    challenger, champion = (float(one.scored.figures[role][0]) for role in ("challenger", "champion"))
    return f"{one.name} ({number(challenger)}{one.scored.unit} beside {number(champion)}{one.scored.unit})"


def _gate(verdict: Verdict, sentence: str) -> GateResult:
    return GateResult(gate="slices", verdict=verdict, sentence=sentence)
