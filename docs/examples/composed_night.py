"""A night of one model in a DAG of one's own: a view is built before it, and the predictions are handed over after it."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial.orchestration.compose import (
    connection_url,
    decide,
    definition,
    extract,
    monitor,
    opened_stores,
    predict,
    score_dag,
    timetable,
    validate,
)

VIEW = "CREATE OR REPLACE VIEW ready AS SELECT * FROM conditions WHERE city IS NOT NULL"

bikes = definition("composed")

with DAG(dag_id="composed_night", schedule=timetable(bikes, bikes.schedule.score), **score_dag(bikes)):

    @task
    def build_view() -> None:
        """Build what the definition reads; a run of dbt would stand here."""
        from sqlalchemy import create_engine, text

        with create_engine(connection_url("bikes") or "").begin() as connection:
            connection.execute(text(VIEW))

    @task
    def hand_over(predicted: dict[str, Any]) -> str:
        """Write the night's predictions into a file, with the lineage of each row."""
        from perennial.core.receipts import Predicted
        from perennial.stores.exporting.export import export
        from perennial.stores.exporting.kind import Format

        made = Predicted.model_validate(predicted)
        if not made.batches:
            raise AirflowSkipException(made.sentence)
        to = f"{os.environ['EXPORTS']}/{made.interval.start:%Y-%m-%d}.parquet"
        with opened_stores() as stores:
            export(stores.ledger, bikes.name, to, within=made.interval, kind=Format.PARQUET, force=True)
        return to

    extracted = extract(bikes)
    validated = validate(bikes, extracted)
    predicted = predict(bikes, extracted, validated)
    measured = monitor(bikes, extracted, validated, predicted)

    build_view() >> extracted
    decide(bikes, validated, measured)
    hand_over(predicted)
