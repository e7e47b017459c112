"""What a task knows of its run, and the stores that it works on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context

from perennial import wiring
from perennial.core.errors import PerennialError
from perennial.core.receipts import Purpose
from perennial.definition.models import Definition
from perennial.orchestration.connections import connection_url
from perennial.orchestration.retry import TIMEOUT
from perennial.orchestration.window import Run
from perennial.ports import Stores

LEASE = TIMEOUT + timedelta(minutes=10)
"""Longer than any attempt may take, so that only a later attempt or a dead run loses it."""

FLOWS = {Purpose.SCORE: "score", Purpose.TRAIN: "retrain"}
_SCHEDULED = ("scheduled", "backfill")
_CHATTY = ("alembic",)
"""Libraries that say in every task's log what nobody asked."""

WHY = "why"
"""Under which key of XCom a task that failed says why."""

_log = logging.getLogger(__name__)


def current_run() -> Run:
    """Return what Airflow knows of the run of this task."""
    dag_run = _dag_run()
    start, end = dag_run.data_interval_start, dag_run.data_interval_end
    interval = (start, end) if start is not None and end is not None else None
    scheduled = str(getattr(dag_run.run_type, "value", dag_run.run_type)) in _SCHEDULED
    return Run(conf=dag_run.conf or {}, data_interval=interval, run_after=dag_run.run_after, scheduled=scheduled)


def run_id() -> str:
    """Return the id of this task's run."""
    return str(_dag_run().run_id)


def actor() -> str:
    """Return who started the run: a person's name; airflow for the schedule, and for a decision that rang the bell."""
    dag_run = _dag_run()
    rung = bool((dag_run.conf or {}).get("request"))
    return "airflow" if rung else str(dag_run.triggering_user_name or "airflow")


def by_backfill() -> bool:
    """Return whether a backfill started the run."""
    run_type = _dag_run().run_type
    return str(getattr(run_type, "value", run_type)) == "backfill"


def failed_tasks() -> list[str]:
    """Return the tasks of the run that failed for good, by their ids; of mapped ones, the id that they share."""
    dag_run, instance = _dag_run(), get_current_context()["ti"]
    states = instance.get_task_states(dag_run.dag_id, run_ids=[dag_run.run_id]).get(dag_run.run_id, {})
    ids = set(instance.task.dag.task_ids)
    failed = (task if task in ids else task.rpartition("_")[0] for task, state in states.items() if state == "failed")
    return list(dict.fromkeys(failed))


def purpose() -> Purpose:
    """Return which of the two flows this task's run is of."""
    retraining = f"{FLOWS[Purpose.TRAIN]}_"
    return Purpose.TRAIN if str(_dag_run().dag_id).startswith(retraining) else Purpose.SCORE


@contextmanager
def opened_stores() -> Iterator[Stores]:
    """Lend the stores. An error's advice is logged, because Airflow shows its message only."""
    for library in _CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        with wiring.open_stores(connections=connection_url) as stores:
            yield stores
    except PerennialError as error:
        if error.fix:
            _log.error("%s", error.fix)
        get_current_context()["ti"].xcom_push(key=WHY, value={WHY: str(error)})
        raise


def held(definition: Definition, segment: str, stores: Stores) -> AbstractContextManager[Stores]:
    """Lend *stores* with a ledger that this attempt alone may write to, as long as it is about *segment*."""
    flow = FLOWS[purpose()]
    return stores.leased(definition.name, segment, flow, holder=f"{flow}_{definition.name} {run_id()}", ttl=LEASE)


def _dag_run() -> Any:  # noqa: ANN401 - Airflow does not export its type
    return get_current_context()["dag_run"]
