"""Random numbers as one more column, and the gate that asks whether a model takes them for one of its best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from perennial.core.receipts import GateResult, Importance, Verdict
from perennial.learning.features import Columns
from perennial.learning.importance import SHUFFLES
from perennial.learning.words import number

_NAME = "noise"
_NAMED = 5


def noise_name(taken: set[str]) -> str:
    """Return a name for the column that is not among those *taken*."""
    name = _NAME
    while name in taken:
        name += "_"
    return name


def noisy_columns(columns: Columns, name: str) -> Columns:
    """Return *columns* with *name* as the last one of numbers."""
    return replace(columns, numeric=(*columns.numeric, name))


def noisy_rows(rows: pa.Table, name: str, *, seed: int, draw: int) -> pa.Table:
    """Return *rows* with a column *name* of independent standard normal numbers.

    Args:
        rows: Any number of rows, without such a column.
        name: The column.
        seed: Seed of the numbers.
        draw: Another number for other rows, so that they do not get the same figures.
    """
    values = np.random.default_rng([seed, draw]).standard_normal(rows.num_rows)
    return rows.append_column(name, pa.array(values))


def noise_gate(importance: Mapping[str, Importance], name: str, *, among: int, unit: str = "") -> GateResult:
    """Ask that a column of random numbers is not among the *among* best: that so many columns are clearly better.

    A column is clearly better where even the least growth of its shuffles is above the greatest of the random numbers', and above
    0. The means would not do: on held-out rows the importance of random numbers, and of a column without any use, is 0 but for
    chance, which puts the one above the other every other time.

    Args:
        importance: By column, of a copy of the challenger that was fitted with the random numbers.
        name: The column with the random numbers.
        among: How many columns must be better.
        unit: The unit of the importance.
    """
    found = importance.get(name)
    if found is None:
        return gate(Verdict.ERROR, "The importance of a column of random numbers is undefined: cannot be told.")
    better = [column for column, one in importance.items() if column != name and one.low > max(found.high, 0.0)]
    verdict = Verdict.PASS if len(better) >= among else Verdict.FAIL
    shown = f" {unit}" if unit else ""
    told = f"{number(found.mean)}{shown} ({number(found.low)} to {number(found.high)} over {SHUFFLES} shuffles)"
    sentence = (
        f"A column of random numbers has an importance of {told}; clearly above that: {_listed(better)}. So it is number "
        f"{len(better) + 1} of {len(importance)} columns; asked for: not among the best {among}: {_OUTCOMES[verdict]}."
    )
    return gate(verdict, sentence)


def gate(verdict: Verdict, sentence: str) -> GateResult:
    """Return what the gate says."""
    return GateResult(gate="noise", verdict=verdict, sentence=sentence)


def _listed(columns: list[str]) -> str:
    if not columns:
        return "no column"
    more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
    return ", ".join(columns[:_NAMED]) + more


_OUTCOMES = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}
