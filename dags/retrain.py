"""On schedule, by hand, or when a decision asks for it: extract, validate, train, evaluate, (approve), publish.

An Airflow DAG per definition. *claim* finds out what the run is to do and takes the request that it answers; *settle* closes it,
also when a task in between failed. A model with segments has the tasks in between in batches of the segments with something to do.
"""

from __future__ import annotations

from airflow.sdk import DAG

from perennial.definition.models import Definition
from perennial.orchestration.approval import approval
from perennial.orchestration.batches import Handed, for_each_batch
from perennial.orchestration.claiming import claim, settle
from perennial.orchestration.describe import retrain_params
from perennial.orchestration.flows import about, definitions, timetable
from perennial.orchestration.tasks import evaluate, extract, publish, train, validate
from perennial.orchestration.telling import tell


def retraining(definition: Definition, claimed: Handed) -> Handed:
    """Put the tasks of a retraining together."""
    extracted = extract(definition, claimed)
    validated = validate(definition, extracted)
    trained = train(definition, claimed, extracted, validated)
    evaluated = evaluate(definition, extracted, validated, trained)
    if definition.publish.approval == "human":
        approved = approval(definition)
        published = publish(definition, evaluated, approved.output)
        evaluated >> approved >> published
    else:
        published = publish(definition, evaluated)

    extracted >> validated >> trained >> evaluated >> published
    return published


for definition in definitions():
    cron = definition.schedule.retrain
    with DAG(
        dag_id=f"retrain_{definition.name}",
        schedule=timetable(definition, cron),
        catchup=False,
        max_active_runs=1,
        params=retrain_params(definition),
        **about(definition, "retrain", cron),
    ):
        claimed = claim(definition)
        published = for_each_batch(definition, retraining, claimed)
        # Airflow lets no task go on without a success of a setup before it; a batch does, for its other segments
        settled = settle(definition).as_teardown(setups=None if definition.segments else claimed)

        published >> settled
        if definition.messages:
            settled >> tell(definition).as_teardown()
