"""From what was found of each expectation to findings, refused rows, and faults of the table as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.core.receipts import Finding
from perennial.quality.catalog import SUPPORTED
from perennial.quality.sentences import reason, row_sentence, subject, table_sentence

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one expectation.

    Attributes:
        type: The expectation's name.
        arguments: Its arguments.
        success: Whether it is met.
        positions: Shape (n,), the rows that do not meet it, ascending from 0. Rows within ``mostly`` are among them.
        obstacle: Why it could not be checked; empty where it was.
    """

    type: str
    arguments: Mapping[str, object]
    success: bool
    positions: Positions
    obstacle: str = ""

    @property
    def by_row(self) -> bool:
        """Whether the outcome is told by rows. What could not be checked is not."""
        return SUPPORTED[self.type].by_row and not self.obstacle


@dataclass(frozen=True, slots=True)
class Checked:
    """What a table's check found.

    Attributes:
        findings: One per expectation, in their order.
        refused: The columns ``row`` (int64, the position from 0, ascending, each once) and ``reasons`` (list of text, in the order
            of the expectations).
        unmet: The findings that failed without naming rows: about the table as a whole, or because they could not be checked.
            Each of them is a fault of the whole table.
    """

    findings: tuple[Finding, ...]
    refused: pa.Table
    unmet: tuple[Finding, ...]


def conclude(outcomes: Sequence[Outcome], rows: int) -> Checked:
    """Return what *outcomes* mean for a table of *rows* rows."""
    findings = tuple(_finding(outcome, rows) for outcome in outcomes)
    unmet = tuple(
        finding for finding, outcome in zip(findings, outcomes, strict=True) if not finding.success and not outcome.by_row
    )
    return Checked(findings, _refused([outcome for outcome in outcomes if outcome.by_row]), unmet)


def _finding(outcome: Outcome, rows: int) -> Finding:
    return Finding(
        expectation=outcome.type,
        column=_column(outcome.arguments),
        success=outcome.success,
        rows=rows,
        unexpected=len(outcome.positions),
        sentence=_sentence(outcome, rows),
    )


def _column(arguments: Mapping[str, object]) -> str | None:
    one = arguments.get("column", arguments.get("column_A"))
    return one if isinstance(one, str) else None


def _sentence(outcome: Outcome, rows: int) -> str:
    if outcome.obstacle:
        return f"{subject(outcome.type, outcome.arguments)}: could not be checked, {outcome.obstacle}"
    if outcome.by_row:
        return row_sentence(outcome.type, outcome.arguments, unexpected=len(outcome.positions), rows=rows)
    return table_sentence(outcome.type, outcome.arguments, success=outcome.success, rows=rows)


def _refused(outcomes: Sequence[Outcome]) -> pa.Table:
    """Join the positions of all outcomes into one row per position, without a Python object per row."""
    positions = np.concatenate([outcome.positions for outcome in outcomes] or [np.empty(0, np.int64)])
    which = np.repeat(np.arange(len(outcomes)), [len(outcome.positions) for outcome in outcomes])
    order = np.argsort(positions, kind="stable")
    rows, starts = np.unique(positions[order], return_index=True)
    offsets = pa.array(np.append(starts, len(positions)), pa.int32())
    said = pa.array([reason(outcome.type, outcome.arguments) for outcome in outcomes], pa.string())
    reasons = pa.ListArray.from_arrays(offsets, said.take(pa.array(which[order])))
    return pa.table({"row": pa.array(rows, pa.int64()), "reasons": reasons})
