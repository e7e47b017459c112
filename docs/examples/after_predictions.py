"""Another team's DAG: it runs when a night has been predicted, and finds the night and its batch in the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import DAG, task

from perennial.orchestration.compose import PREDICTIONS, asset

with DAG(dag_id="after_predictions", schedule=[asset("composed", PREDICTIONS)], catchup=False):

    @task
    def plan_the_vans(*, triggering_asset_events: Mapping[Any, Any] | None = None) -> list[dict[str, Any]]:
        """Return what was predicted."""
        return [event.extra for events in (triggering_asset_events or {}).values() for event in events]

    plan_the_vans()
