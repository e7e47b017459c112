"""The promise that a night's predictions are there in time, as one of Airflow's deadlines, and what happens when it is missed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback  # type: ignore[attr-defined]  # its stub lags behind

from perennial import wiring
from perennial.core.errors import DataError
from perennial.core.interval import Interval, moment
from perennial.core.receipts import PredictionBatch, Purpose, Role
from perennial.definition.fields import span_text
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.orchestration.connections import connection_url
from perennial.orchestration.telling import tell_of
from perennial.orchestration.window import Run, window
from perennial.ports import Ledger

CALLBACK = "perennial.orchestration.lateness.tell_late"


def deadline(definition: Definition) -> DeadlineAlert | None:
    """Return the deadline of a scoring run: so long after it was queued, which is when its night ended; None without a promise.

    The logical date would be the night's start, and long past for every backfill.
    """
    within = definition.publish.ready_within
    if within is None or definition.messages is None:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=within,
        callback=SyncCallback(CALLBACK, kwargs={"model": definition.name}),
        name=f"ready within {span_text(within)}",
    )


def tell_late(model: str, context: Mapping[str, Any]) -> None:
    """Tell which predictions of the night are not there. Airflow's executor calls it when a run has missed its deadline.

    Args:
        model: The model's name.
        context: What Airflow gives: ``dag_run``, as its API describes it.
    """
    from perennial.steps.news import of_lateness  # noqa: PLC0415 - DAG files import this module

    run, definition = context["dag_run"], load(wiring.definitions_folder() / f"{model}.yml")
    if run["run_type"] == "backfill":
        return
    try:
        night = window(definition, _run(run), Purpose.SCORE).interval
    except DataError:
        return  # a run with wrong parameters is about no night
    promised = f"within {span_text(definition.publish.ready_within)}" if definition.publish.ready_within else "in time"
    with wiring.open_stores(connections=connection_url) as stores:
        news = [of_lateness(segment, night.end, promised) for segment in missing(definition, night, stores.ledger)]
        tell_of(definition, night.end, stores, news, holder=f"late {run['dag_run_id']}")


def missing(definition: Definition, night: Interval, ledger: Ledger) -> list[str]:
    """Return the segments whose champion has not predicted the night."""
    return [segment for segment in definition.segment_names if not _predicted(definition.name, segment, night, ledger)]


def _predicted(model: str, segment: str, night: Interval, ledger: Ledger) -> bool:
    batches = ledger.history(PredictionBatch, model, segment, within=night)
    return any(batch.interval == night and batch.role is Role.CHAMPION for batch in batches)


def _run(told: Mapping[str, Any]) -> Run:
    start, end = _at(told.get("data_interval_start")), _at(told.get("data_interval_end"))
    return Run(
        conf=told.get("conf") or {},
        data_interval=(start, end) if start and end else None,
        run_after=_at(told.get("run_after")),
        scheduled=told.get("run_type") == "scheduled",
    )


def _at(value: object) -> datetime | None:
    return moment(str(value)) if value else None
