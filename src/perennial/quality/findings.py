"""From what was found of each expectation to findings, refused rows, and faults of the table as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from perennial.core.receipts import Finding
from perennial.quality.catalog import SUPPORTED
from perennial.quality.marks import Marks
from perennial.quality.refused import Refused
from perennial.quality.sentences import reason, row_sentence, subject, table_sentence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one expectation.

    Attributes:
        type: The expectation's name.
        arguments: Its arguments.
        success: Whether it is met.
        marks: The rows that do not meet it. Rows within ``mostly`` are among them.
        obstacle: Why it could not be checked; empty where it was.
        considered: How many rows it is about: as a rule those whose value is not missing.
        figure: Of the table as a whole: the number (or moment) that was held against the limits.
    """

    type: str
    arguments: Mapping[str, object]
    success: bool
    marks: Marks = field(default_factory=Marks)
    obstacle: str = ""
    considered: int = 0
    figure: float | datetime | None = None

    @property
    def by_row(self) -> bool:
        """Whether the outcome is told by rows. What could not be checked is not."""
        return SUPPORTED[self.type].by_row and not self.obstacle


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        findings: One per expectation, in their order.
        refused: The rows that do not meet an expectation about rows, with their reasons in the order of the expectations.
        unmet: The findings that failed without naming rows: about the table as a whole, or because they could not be checked.
            Each of them is a fault of the whole table.
        outcomes: What the findings tell, with the figures. These may be values of rows, and are for no log.
    """

    findings: tuple[Finding, ...]
    refused: Refused
    unmet: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...]


def conclude(outcomes: Sequence[Outcome], rows: int) -> Checked:
    """Return what *outcomes* mean for *rows* rows."""
    findings = tuple(_finding(outcome, rows) for outcome in outcomes)
    unmet = tuple(
        finding for finding, outcome in zip(findings, outcomes, strict=True) if not finding.success and not outcome.by_row
    )
    told = ((reason(outcome.type, outcome.arguments), outcome.marks) for outcome in outcomes if outcome.by_row)
    return Checked(findings, Refused(told), unmet, tuple(outcomes))


def _finding(outcome: Outcome, rows: int) -> Finding:
    return Finding(
        expectation=outcome.type,
        column=_column(outcome.arguments),
        success=outcome.success,
        rows=rows,
        unexpected=outcome.marks.count,
        sentence=_sentence(outcome, rows),
    )


def _column(arguments: Mapping[str, object]) -> str | None:
    one = arguments.get("column", arguments.get("column_A"))
    return one if isinstance(one, str) else None


def _sentence(outcome: Outcome, rows: int) -> str:
    if outcome.obstacle:
        return f"{subject(outcome.type, outcome.arguments)}: could not be checked, {outcome.obstacle}"
    if outcome.by_row:
        return row_sentence(outcome.type, outcome.arguments, unexpected=outcome.marks.count, rows=rows)
    return table_sentence(outcome.type, outcome.arguments, success=outcome.success, rows=rows)
