"""On schedule, by hand, or when a decision asks for it: extract, validate, train, evaluate, (approve), publish.

An Airflow DAG per definition. *claim* finds out what the run is to do and takes the request that it answers; *settle* closes it,
also when a task in between failed.
"""

from __future__ import annotations

from airflow.sdk import DAG

from perennial.orchestration.approval import approval
from perennial.orchestration.describe import retrain_params
from perennial.orchestration.flows import about, definitions, timetable
from perennial.orchestration.tasks import claim, evaluate, extract, publish, settle, train, validate

for definition in definitions():
    cron = definition.schedule.retrain
    with DAG(
        dag_id=f"retrain_{definition.name}",
        schedule=timetable(definition, cron),
        catchup=False,
        max_active_runs=1,
        params=retrain_params(),
        **about(definition, "retrain", cron),
    ):
        claimed = claim(definition)
        extracted = extract(definition, claimed)
        validated = validate(definition, extracted)
        trained = train(definition, claimed, extracted, validated)
        evaluated = evaluate(definition, extracted, validated, trained)
        if definition.publish.approval == "human":
            approved = approval(definition.title)
            published = publish(definition, evaluated, approved.output)
            evaluated >> approved >> published
        else:
            published = publish(definition, evaluated)
        settled = settle(definition).as_teardown(setups=claimed)

        claimed >> extracted >> validated >> trained >> evaluated >> published >> settled
