"""Once a day, for all models whose messages are kept for a digest: one message to everybody who has the same channels.

There is an Airflow DAG only where a definition says so. Its hour is here, for whoever reads it in the morning.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, CronDataIntervalTimetable

from perennial.orchestration.flows import digest_wanted
from perennial.orchestration.retry import task_defaults
from perennial.orchestration.telling import tell_digests

if digest_wanted("perennial_digest"):
    with DAG(
        dag_id="perennial_digest",
        dag_display_name="digest of all models",
        schedule=CronDataIntervalTimetable("0 7 * * *", timezone="UTC"),
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["perennial"],
        default_args=task_defaults("perennial"),
    ):
        tell_digests()
