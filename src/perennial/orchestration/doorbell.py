"""Rings for the retraining DAG. The truth is the request in the ledger; this only saves waiting for it."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import XCOM_RUN_ID, TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException

from perennial.core.digest import digest_json
from perennial.core.interval import iso, moment
from perennial.core.receipts import ALL, Decision
from perennial.orchestration.assignment import WAITING
from perennial.orchestration.batches import Json, found_in


class Doorbell(TriggerDagRunOperator):
    """Starts one run of *trigger_dag_id* for the request that *decide* handed over, and skips without one.

    The run's id has the request and the date on which the night ends: ringing twice for a night starts one run, and a request
    that nobody answered, or whose run died, is rung for again by the next night. Requests of several segments are answered by one
    run, whose id has a digest of them.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        """Take what the operator takes; the run's id, its configuration and its date are set here."""
        super().__init__(**arguments, logical_date=None, skip_when_already_exists=True, openlineage_inject_parent_info=False)

    def execute(self, context: Any) -> None:  # noqa: ANN401 - Airflow's own type
        """Ring, or skip."""
        requests = list(found_in(context["ti"].xcom_pull(task_ids="decide", key="request"), "origin"))
        if not requests:
            self.operator_extra_links = []  # it would lead to a run called None
            raise AirflowSkipException("no retraining is asked for")
        decision = next(found_in(context["ti"].xcom_pull(task_ids="decide"), "action"))
        self.conf = self._conf(requests)
        self.trigger_run_id = f"request__{self._called(requests)}__{Decision.model_validate(decision).interval.end:%Y%m%d}"
        context["ti"].xcom_push(key=XCOM_RUN_ID, value=self.trigger_run_id)  # for the link, also where the run was there already
        super().execute(context)

    def _conf(self, requests: list[Json]) -> dict[str, str]:
        if requests[0]["segment"] == ALL:
            return {"request": requests[0]["id"], "as_of": requests[0]["at"], "reason": requests[0]["reason"]}
        latest = max(moment(request["at"]) for request in requests)
        return {"request": WAITING, "as_of": iso(latest), "reason": f"requests of {len(requests)} segments"}

    def _called(self, requests: list[Json]) -> str:
        ids = sorted(str(request["id"]) for request in requests)
        return ids[0] if requests[0]["segment"] == ALL else digest_json(ids)[:32]
