"""What Airflow knows of a model's DAGs, read where its own pages read it; and what is asked of it, in a person's name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval
from perennial.orchestration.approval import APPROVE, COMMENT, REJECT
from perennial.orchestration.own_api import Answer, ask
from perennial.web.access import Person
from perennial.web.site import Flow

_TASK = "approve"
_THERE = 409


class AirflowScheduler:
    """Reads Airflow's tables inside its API server, and acts through its own API."""

    def flows(self, dags: Collection[str]) -> Mapping[str, Flow]:
        """Return how each of *dags* is held; one that Airflow does not know, or has not seen lately, is left out."""
        with create_session() as session:
            columns = (DagModel.dag_id, DagModel.is_paused, DagModel.next_dagrun_create_after)
            rows = session.query(*columns).filter(DagModel.dag_id.in_(list(dags)), DagModel.is_stale.is_(False)).all()
        return {dag: Flow(paused, next_run) for dag, paused, next_run in rows}

    def runs(self, dag: str, *, newest: int) -> Sequence[tuple[str, str, datetime | None]]:
        """Return the newest runs of *dag*: id, state and when it was due, newest first."""
        with create_session() as session:
            columns = (DagRun.run_id, DagRun.state, DagRun.run_after)
            found = session.query(*columns).filter(DagRun.dag_id == dag).order_by(DagRun.run_after.desc()).limit(newest)
            return [(run, str(getattr(state, "value", state)), due) for run, state, due in found.all()]

    def run_of(self, dag: str, night: Interval) -> str | None:
        """Return the id of the newest run of *dag* with this data interval, or None."""
        of_night = (DagRun.dag_id == dag, DagRun.data_interval_start == night.start, DagRun.data_interval_end == night.end)
        with create_session() as session:
            found = session.query(DagRun.run_id).filter(*of_night).order_by(DagRun.run_after.desc()).first()
        return None if found is None else str(found[0])

    def ring(self, dag: str, run: str, conf: Mapping[str, object], *, person: Person) -> None:
        """Start a run of *dag* with this id; nothing where there is one.

        Raises:
            RejectedError: AIRFLOW_REFUSED.
        """
        body = {"dag_run_id": run, "logical_date": None, "conf": dict(conf)}
        _require(ask(person.user, "POST", f"/dags/{quote(dag)}/dagRuns", body), dag, but=_THERE)

    def answer(self, dag: str, run: str, challenger: str, *, approve: bool, person: Person, reason: str) -> bool:
        """Answer the task of *run* that asks a person about *challenger*, and return whether there is one.

        Of a model with segments there is one for each; each asks in its subject about its own challenger.

        Raises:
            RejectedError: AIRFLOW_REFUSED: it was answered already, or somebody else is to answer it.
        """
        of_run = (TaskInstance.dag_id == dag, TaskInstance.run_id == run, TaskInstance.task_id == _TASK)
        with create_session() as session:
            asked = session.query(TaskInstance.map_index, HITLDetail.subject).join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
            places = [place for place, subject in asked.filter(*of_run).all() if f" {challenger} " in subject]
        for place in places:
            path = f"/dags/{quote(dag)}/dagRuns/{quote(run, safe='')}/taskInstances/{_TASK}/{place}/hitlDetails"
            body = {"chosen_options": [APPROVE if approve else REJECT], "params_input": {COMMENT: reason}}
            _require(ask(person.user, "PATCH", path, body), f"{dag} {run}")
        return bool(places)

    def pause(self, dag: str, *, paused: bool, person: Person) -> None:
        """Let no further run of *dag* start, or let them start again.

        Raises:
            RejectedError: AIRFLOW_REFUSED, there is no such DAG.
        """
        _require(ask(person.user, "PATCH", f"/dags/{quote(dag)}", {"is_paused": paused}), dag)


def _require(found: Answer, where: str, *, but: int | None = None) -> None:
    """Refuse what Airflow refused, with its words, except for the status *but*.

    Raises:
        RejectedError: AIRFLOW_REFUSED.
    """
    if found.failed and found.status != but:
        raise RejectedError(Code.AIRFLOW_REFUSED, f"{found.status} {found.detail}", where=where)
