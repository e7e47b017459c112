"""Rings for the retraining DAG. The truth is the request in the ledger; this only saves waiting for it."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import XCOM_RUN_ID, TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException

from perennial.core.receipts import Decision


class Doorbell(TriggerDagRunOperator):
    """Starts one run of *trigger_dag_id* for the request that *decide* handed over, and skips without one.

    The run's id has the request and the date on which the night ends: ringing twice for a night starts one run, and a request
    that nobody answered, or whose run died, is rung for again by the next night.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        """Take what the operator takes; the run's id, its configuration and its date are set here."""
        super().__init__(**arguments, logical_date=None, skip_when_already_exists=True, openlineage_inject_parent_info=False)

    def execute(self, context: Any) -> None:  # noqa: ANN401 - Airflow's own type
        """Ring, or skip."""
        request = context["ti"].xcom_pull(task_ids="decide", key="request")
        if request is None:
            self.operator_extra_links = []  # it would lead to a run called None
            raise AirflowSkipException("no retraining is asked for")
        night = Decision.model_validate(context["ti"].xcom_pull(task_ids="decide")).interval
        self.trigger_run_id = f"request__{request['id']}__{night.end:%Y%m%d}"
        context["ti"].xcom_push(key=XCOM_RUN_ID, value=self.trigger_run_id)  # for the link, also where the run was there already
        self.conf = {"request": request["id"], "as_of": request["at"], "reason": request["reason"]}
        super().execute(context)
