"""Figures of the loop through Airflow's own metrics, to StatsD or OpenTelemetry, whichever is set up there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from airflow.sdk.observability import stats

from perennial.core.receipts import (
    Decision,
    Evaluation,
    Measurement,
    ModelVersion,
    Predicted,
    Promotion,
    Receipt,
    Role,
    Snapshot,
    Validation,
)


def measured(receipt: Receipt) -> Iterator[tuple[str, float]]:
    """Yield the figures of *receipt* by their names, each with its unit at the end where it has one."""
    if isinstance(receipt, Snapshot):
        yield from (("snapshot.rows", receipt.rows), ("snapshot.labels", receipt.label_rows), ("snapshot.bytes", receipt.bytes))
    if isinstance(receipt, Validation):
        yield from (("validation.rows", receipt.rows), ("validation.quarantined_rows", receipt.quarantined))
    if isinstance(receipt, Predicted):
        yield "predictions.rows", sum(batch.rows for batch in receipt.batches if batch.role is Role.CHAMPION)
    if isinstance(receipt, Measurement):
        yield from _of_measurement(receipt)
    if isinstance(receipt, ModelVersion):
        yield "training.rows", receipt.rows
        if receipt.fit_seconds is not None:
            yield "training.fit_seconds", receipt.fit_seconds
    if isinstance(receipt, Evaluation):
        for role, found in receipt.metrics.items():
            yield from ((f"evaluation.{role}.{name}", one.value) for name, one in found.items() if "[" not in role)


def report(receipt: Receipt) -> None:
    """Hand the figures of *receipt* to Airflow, tagged with model and segment; of a decision, count which it was."""
    tags = {"model": getattr(receipt, "model", ""), "segment": getattr(receipt, "segment", "")}
    for name, value in measured(receipt):
        stats.gauge(f"perennial.{name}", value, tags=tags)
    if isinstance(receipt, Decision):
        stats.incr(f"perennial.decisions.{receipt.action}", tags=tags)


def report_age(champion: Promotion, at: datetime) -> None:
    """Hand over how old the champion is."""
    days = (at - champion.effective_from) / timedelta(days=1)
    stats.gauge("perennial.champion.age_days", days, tags={"model": champion.model, "segment": champion.segment})


def _of_measurement(measurement: Measurement) -> Iterator[tuple[str, float]]:
    moved = [drift.psi for drift in measurement.drift if drift.psi is not None]
    if moved:
        yield "drift.worst_psi", max(moved)
    own = [night for night in measurement.losses if night.role is Role.CHAMPION and night.slice is None]
    known = [(night.interval, night.loss) for night in own if night.loss is not None]
    if known:
        yield "loss", max(known)[1]
