"""Every night, for every model: extract, validate, predict, monitor, decide. An Airflow DAG per definition.

The last task rings for the retraining DAG when the ledger holds a request.
"""

from __future__ import annotations

from airflow.sdk import DAG

from perennial.orchestration.describe import score_params
from perennial.orchestration.doorbell import Doorbell
from perennial.orchestration.flows import about, definitions, timetable
from perennial.orchestration.tasks import decide, extract, monitor, predict, validate

for definition in definitions():
    cron = definition.schedule.score
    with DAG(
        dag_id=f"score_{definition.name}",
        schedule=timetable(definition, cron),
        catchup=False,
        max_active_runs=1,
        params=score_params(),
        **about(definition, "score", cron),
    ):
        extracted = extract(definition)
        validated = validate(definition, extracted)
        predicted = predict(definition, extracted, validated)
        measured = monitor(definition, extracted, validated, predicted)
        decided = decide(definition, validated, measured)
        ring_the_bell = Doorbell(task_id="ring_the_bell", trigger_dag_id=f"retrain_{definition.name}")

        extracted >> validated >> predicted >> measured >> decided >> ring_the_bell
