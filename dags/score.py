"""Every night, for every model: extract, validate, predict, monitor, decide. An Airflow DAG per definition.

The last task rings for the retraining DAG when the ledger holds a request. A model with segments has its nights in a few dozen
batches of them, each with these five tasks; the rows that belong to no segment are counted beside them.
"""

from __future__ import annotations

from airflow.sdk import DAG

from perennial.definition.models import Definition
from perennial.orchestration.batches import Handed, every_night, for_each_batch
from perennial.orchestration.describe import score_params
from perennial.orchestration.doorbell import Doorbell
from perennial.orchestration.flows import about, definitions, timetable
from perennial.orchestration.lateness import deadline
from perennial.orchestration.tasks import announced, decide, extract, monitor, others, predict, validate
from perennial.orchestration.telling import tell


def night(definition: Definition, begun: Handed) -> Handed:
    """Put the tasks of a night together."""
    extracted = extract(definition, begun)
    validated = validate(definition, extracted)
    predicted = predict(definition, extracted, validated)
    measured = monitor(definition, extracted, validated, predicted)
    decided = decide(definition, validated, measured)

    extracted >> validated >> predicted >> measured >> decided
    return decided


for definition in definitions():
    cron = definition.schedule.score
    with DAG(
        dag_id=f"score_{definition.name}",
        schedule=timetable(definition, cron),
        catchup=False,
        max_active_runs=1,
        params=score_params(definition),
        deadline=deadline(definition),
        **about(definition, "score", cron),
    ):
        decided = for_each_batch(definition, night, every_night(definition))
        ring_the_bell = Doorbell(task_id="ring_the_bell", trigger_dag_id=f"retrain_{definition.name}")
        if definition.segments:
            others(definition)
            decided >> announced(definition).as_teardown()
            ring_the_bell.as_teardown()  # it rings for those that were decided, and says nothing of a batch that failed
        if definition.messages:
            ring_the_bell >> tell(definition).as_teardown()

        decided >> ring_the_bell
