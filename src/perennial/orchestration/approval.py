"""A person's answer to an evaluation, asked for in Airflow's user interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perennial.core.receipts import Verdict

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

APPROVE = "Approve"


def approval(title: str) -> BaseOperator:
    """Return the task ``approve``: it waits for a person where the evaluation passed, and lets everything else through.

    A rejection does not skip *publish*, which records it.
    """
    from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator  # noqa: PLC0415 - only where a person is asked

    class Approval(ApprovalOperator):
        """Asks only about a challenger that passed."""

        def execute(self, context: Any) -> Any:  # noqa: ANN401 - Airflow's own types
            evaluation = context["ti"].xcom_pull(task_ids="evaluate")
            return super().execute(context) if evaluation["verdict"] == Verdict.PASS.value else None

        def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:  # noqa: ANN401 - Airflow's own types
            return HITLOperator.execute_complete(self, context, event)

    return Approval(
        task_id="approve",
        subject=f"{title}: make {{{{ ti.xcom_pull(task_ids='evaluate')['challenger'] }}}} champion?",
        body="{{ ti.xcom_pull(task_ids='evaluate')['sentence'] }}",
        execution_timeout=None,  # a person may take days
    )
