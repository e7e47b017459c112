"""A person's answer to an evaluation, asked for in Airflow's user interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perennial.core.receipts import Verdict
from perennial.orchestration.batches import found_in

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from perennial.definition.models import Definition

APPROVE = "Approve"


def approval(definition: Definition) -> BaseOperator:
    """Return the task ``approve``: it waits for a person where the evaluation passed, and lets everything else through.

    A rejection does not skip *publish*, which records it. Of a model with segments it is about the one segment of its batch.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator  # noqa: PLC0415 - only where a person is asked

    class Approval(ApprovalOperator):
        """Asks only about a challenger that passed."""

        def execute(self, context: Any) -> Any:  # noqa: ANN401 - Airflow's own types
            instance = context["ti"]
            evaluation = next(found_in(instance.xcom_pull(task_ids="evaluate", map_indexes=_place(instance)), "verdict"))
            return super().execute(context) if evaluation["verdict"] == Verdict.PASS.value else None

        def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:  # noqa: ANN401 - Airflow's own types
            return HITLOperator.execute_complete(self, context, event)

    of_batch = "(ti.xcom_pull(task_ids='evaluate', map_indexes=ti.map_index).values() | first)"
    evaluation = of_batch if definition.segments else "ti.xcom_pull(task_ids='evaluate')"
    return Approval(
        task_id="approve",
        subject=f"{definition.title}: make {{{{ {evaluation}['challenger'] }}}} champion?",
        body=f"{{{{ {evaluation}['sentence'] }}}}",
        execution_timeout=None,  # a person may take days
    )


def _place(instance: Any) -> int | None:  # noqa: ANN401 - Airflow's own type
    """Return which task of its mapped group *instance* is; None where it is in none."""
    return instance.map_index if instance.map_index is not None and instance.map_index >= 0 else None
