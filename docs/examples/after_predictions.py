"""Another team's DAG: it runs when a night has been predicted, and finds the night and its batch in the event."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

from perennial.orchestration.compose import PREDICTIONS, asset

PREDICTED = asset("composed", PREDICTIONS)

with DAG(dag_id="after_predictions", schedule=[PREDICTED], catchup=False):

    @task
    def plan_the_vans(*, triggering_asset_events: Any = None) -> list[dict[str, Any]]:  # noqa: ANN401 - Airflow's own type
        """Return what was predicted."""
        return [event.extra for event in triggering_asset_events[PREDICTED]]

    plan_the_vans()
