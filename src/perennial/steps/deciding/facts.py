"""The facts of a night: what the ledger knows of it, as the policy wants it."""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Measurement, Promotion, Validation, Verdict
from perennial.definition.models import Definition
from perennial.monitoring.decision.policy import Facts
from perennial.ports import Stores
from perennial.steps.champion import champion_of, retirement_of
from perennial.steps.deciding.asking import refused_answers


def facts_of(definition: Definition, interval: Interval, stores: Stores, measurement: Measurement, validation: Validation) -> Facts:
    """Return what is known about the night. Writes nothing."""
    promotion = champion_of(stores, definition.name, measurement.segment, interval)
    known = promotion is not None and promotion.version is not None
    retired = retirement_of(stores, definition.name, measurement.segment, interval)
    refused = refused_in_a_row(stores, definition.name, measurement.segment, promotion, before=interval.end)
    answers = refused_answers(stores.ledger, refused)
    return Facts(
        data_fault=_fault(validation),
        champion_age=interval.end - promotion.effective_from if promotion is not None and known else None,
        rows=validation.rows - validation.quarantined,
        minimum_rows=definition.monitoring.minimum_rows,
        signals=measurement.signals,
        refused_in_a_row=len(refused),
        answers_refused=len(answers),
        since_answer=interval.end - answers[-1].at if answers else None,
        trained_until=definition.trained_until(interval.end),
        retired=f"by {retired.actor}: {retired.reason}" if retired else None,
        before=_before(stores, measurement),
    )


def _fault(validation: Validation) -> str | None:
    if validation.verdict is Verdict.PASS:
        return None
    return "; ".join(finding.sentence for finding in validation.findings if not finding.success)


def refused_in_a_row(
    stores: Stores, model: str, segment: str, promotion: Promotion | None, *, before: datetime
) -> list[Evaluation]:
    """Return the newest evaluation of each challenger refused in a row, oldest first, as they were known *before* a moment.

    A challenger that passes ends the row, and so does a promotion, whoever made it and from whenever on it is in force: who was
    compared with another champion was not refused by the present one, that of *promotion*.
    A challenger that is evaluated again, as the machine was at fault, is one challenger.
    One with the cut-off of the night's own end may be the answer to this very night: decided again, it would not ask any more.
    """
    evaluations = [row for row in stores.ledger.history(Evaluation, model, segment) if row.as_of < before]
    since = [row for row in evaluations if promotion is None or _against(row, promotion)]
    newest = {row.challenger: row for row in since}.values()
    return list(takewhile(lambda row: row.verdict is not Verdict.PASS, reversed(newest)))[::-1]


def _against(row: Evaluation, promotion: Promotion) -> bool:
    """Return whether the challenger could have replaced the champion of *promotion*."""
    return row.as_of > promotion.effective_from and row.champion in (None, promotion.version)


def _before(stores: Stores, measurement: Measurement) -> dict[str, float]:
    """Return what each signal was worth on the night before, where the same champion was measured."""
    at = measurement.interval
    before = Interval(at.start - at.length, at.start)
    found = stores.ledger.history(Measurement, measurement.model, measurement.segment, within=before, newest=1)
    if not found or found[-1].version != measurement.version or found[-1].interval.end != at.start:
        return {}
    return {signal.name: signal.value for signal in found[-1].signals if signal.value is not None}
