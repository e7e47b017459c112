"""What a DAG of one's own is put together from: the tasks of the loop, and what they need around them.

Each function makes one Airflow task with a fixed id and returns what the next ones take. The ids are part of the interface:
*approval*, the doorbell and *tell* look for what the tasks of these names handed on, so they stand in the DAG itself, not in a
group of it. A DAG whose id begins with ``retrain_`` is a retraining, any other is a night.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from perennial import wiring
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.orchestration.approval import approval
from perennial.orchestration.assets import MODEL, PREDICTIONS, SNAPSHOT, asset
from perennial.orchestration.batches import every_night, for_each_batch
from perennial.orchestration.claiming import claim, settle
from perennial.orchestration.connections import connection_url
from perennial.orchestration.describe import retrain_params, score_params
from perennial.orchestration.doorbell import Doorbell
from perennial.orchestration.flows import about, timetable
from perennial.orchestration.runs import opened_stores
from perennial.orchestration.tasks import announced, decide, evaluate, extract, monitor, others, predict, publish, train, validate
from perennial.orchestration.telling import tell
from perennial.steps.assign import Assignment

__all__ = [
    "MODEL",
    "PREDICTIONS",
    "SNAPSHOT",
    "Assignment",
    "Doorbell",
    "announced",
    "approval",
    "asset",
    "claim",
    "connection_url",
    "decide",
    "definition",
    "evaluate",
    "every_night",
    "extract",
    "for_each_batch",
    "monitor",
    "opened_stores",
    "others",
    "predict",
    "publish",
    "retrain_dag",
    "score_dag",
    "settle",
    "tell",
    "timetable",
    "train",
    "validate",
]

_SERIAL: Mapping[str, Any] = MappingProxyType({"catchup": False, "max_active_runs": 1})


def definition(name: str) -> Definition:
    """Return the definition of a model by its name.

    Raises:
        DefinitionError: It is not there, or has faults.
    """
    return load(wiring.definitions_folder() / f"{name}.yml")


def score_dag(definition: Definition) -> dict[str, Any]:
    """Return the arguments of a DAG that scores nights, its schedule aside: form, page, dates, retries."""
    return {**_SERIAL, **about(definition, "score", definition.schedule.score), "params": score_params(definition)}


def retrain_dag(definition: Definition) -> dict[str, Any]:
    """Return the arguments of a DAG that retrains, its schedule aside."""
    return {**_SERIAL, **about(definition, "retrain", definition.schedule.retrain), "params": retrain_params(definition)}
