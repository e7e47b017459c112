"""A small client of Airflow's REST API: start a run, wait for it, see what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.core.interval import Interval, iso
from perennial.orchestration.settings import Login

_TIMEOUT_S = 120.0
"""While a busy machine builds the API of the tasks, which takes 4 s on an idle one, the server answers nobody."""
_POLL_S = 0.2
_PAGE = 100
"""Rows that are asked for at once. Airflow gives at most ``[api] maximum_page_limit``, by default as many, and does not say so."""
_FINAL = ("success", "failed")


class Client:
    """Speaks to the API server at *address* as *login*. *check* is called while waiting, and raises when the server is gone."""

    def __init__(self, address: str, login: Login, *, check: Callable[[], None] = lambda: None, page: int = _PAGE) -> None:
        """Remember whom to speak to; nothing is sent yet. Of lists, *page* rows are asked for at once."""
        self._address = urlsplit(address).netloc
        self._login = login
        self._check = check
        self._page = page
        self._token = ""

    @property
    def token(self) -> str:
        """A bearer token of the login, fetched once."""
        if not self._token:
            body = {"username": self._login.username, "password": self._login.password}
            self._token = self._send("POST", "/auth/token", body, {})["access_token"]
        return self._token

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Send one request below ``/api/v2`` and return its JSON.

        Raises:
            RejectedError: AIRFLOW_REFUSED, with the status and Airflow's own words.
            UnavailableError: STORE_UNAVAILABLE, no answer.
        """
        return self._send(method, f"/api/v2{path}", body, {"Authorization": f"Bearer {self.token}"})

    def health(self) -> dict[str, str]:
        """Return the state of each component, such as ``healthy``; needs no login. Empty while there is no answer."""
        try:
            answer = self._send("GET", "/api/v2/monitor/health", None, {})
        except (UnavailableError, RejectedError):
            return {}
        return {name: str(part["status"]) for name, part in answer.items() if part}

    def prime(self) -> bool:
        """Make the server build the API of its tasks, which it otherwise does for the first task; return whether it has."""
        try:
            self._send("GET", "/execution/health", None, {})
        except (UnavailableError, RejectedError):
            return False
        return True

    def dags(self) -> list[str]:
        """Return the ids of all DAGs that have been parsed."""
        return [dag["dag_id"] for dag in self._rows("/dags", "dags")]

    def import_errors(self) -> dict[str, str]:
        """Return what Airflow shows as import errors: text by file."""
        return {row["filename"]: row["stack_trace"] for row in self._rows("/importErrors", "import_errors")}

    def unpause(self, dag_id: str, *, timeout_s: float = 180.0) -> None:
        """Let *dag_id* run; waits until it has been parsed."""
        self._until(lambda: self._knows(dag_id), timeout_s, f"DAG {dag_id} to be parsed")
        self.request("PATCH", f"/dags/{quote(dag_id)}", {"is_paused": False})

    def pause(self, dag_id: str) -> None:
        """Let no further run of *dag_id* start."""
        self.request("PATCH", f"/dags/{quote(dag_id)}", {"is_paused": True})

    def trigger(
        self, dag_id: str, *, run_id: str | None = None, interval: Interval | None = None, conf: Mapping[str, Any] | None = None
    ) -> str:
        """Start a run and return its id.

        With *interval*, the run has it as data interval and its start as logical date. A run that has the logical date of a
        coming scheduled run takes that run's place.
        """
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if run_id is not None:
            body["dag_run_id"] = run_id
        if interval is not None:
            start, end = iso(interval.start), iso(interval.end)
            body |= {"logical_date": start, "data_interval_start": start, "data_interval_end": end}
        return str(self.request("POST", f"/dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"])

    def wait(self, dag_id: str, run_id: str, *, timeout_s: float = 600.0) -> str:
        """Wait until the run exists and has ended, and return ``success`` or ``failed``."""
        found: list[str] = []

        def ended() -> bool:
            found[:] = [state for name, state in self.runs(dag_id).items() if name == run_id and state in _FINAL]
            return bool(found)

        self._until(ended, timeout_s, f"run {run_id} of {dag_id} to end")
        return found[0]

    def runs(self, dag_id: str) -> dict[str, str]:
        """Return the state of each run, newest first."""
        rows = self._rows(f"/dags/{quote(dag_id)}/dagRuns", "dag_runs", {"order_by": "-run_after"})
        return {run["dag_run_id"]: run["state"] for run in rows}

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Return the state of each task of a run, a mapped one as ``task[place]``; None before it was scheduled."""
        rows = self._rows(f"{_run(dag_id, run_id)}/taskInstances", "task_instances")
        return {_placed(row["task_id"], row["map_index"]): row["state"] for row in rows}

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", *, place: int = -1) -> Any:  # noqa: ANN401 - JSON
        """Return what a task handed over; of a mapped one, that of the *place* in its group."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries/{quote(key)}?deserialize=false&map_index={place}"
        value = self.request("GET", path)["value"]
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value  # a text that was handed over as such

    def answer(
        self, dag_id: str, run_id: str, task_id: str, option: str, *, place: int = -1, params: Mapping[str, object] | None = None
    ) -> None:
        """Answer a task that waits for a person, such as ``Approve``; of a mapped one, that of the *place* in its group."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/{place}/hitlDetails"
        self.request("PATCH", path, {"chosen_options": [option], "params_input": dict(params or {})})

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1, *, place: int = -1) -> list[str]:
        """Return the lines that a task logged; of a mapped one, that of the *place* in its group."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/logs/{attempt}?map_index={place}"
        rows = self.request("GET", path)["content"]
        return [line for row in rows for line in _lines(row)]

    def _knows(self, dag_id: str) -> bool:
        return any(dag["dag_id"] == dag_id for dag in self._rows("/dags", "dags", {"dag_id_pattern": dag_id}))

    def _rows(self, path: str, name: str, query: Mapping[str, str] = MappingProxyType({})) -> Iterator[dict[str, Any]]:
        """Yield the rows called *name* of all pages of a list."""
        seen, there = 0, 1
        while seen < there:
            answer = self.request("GET", f"{path}?{urlencode({**query, 'limit': self._page, 'offset': seen})}")
            yield from answer[name]
            seen, there = seen + len(answer[name]), answer["total_entries"] if answer[name] else 0

    def _until(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not done():
            self._check()
            if time.monotonic() > deadline:
                raise UnavailableError(Code.AIRFLOW_TIMEOUT, f"waited {timeout_s:g} s for {what}", where=self._address)
            time.sleep(_POLL_S)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        content = None if body is None else json.dumps(body)
        try:
            with closing(HTTPConnection(self._address, timeout=_TIMEOUT_S)) as connection:
                connection.request(method, path, content, {"Content-Type": "application/json", **headers})
                response = connection.getresponse()
                status, text = response.status, response.read().decode()
        except (OSError, HTTPException) as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE, f"no answer to {method} {path}", where=self._address) from error
        if status >= 400:  # noqa: PLR2004 - HTTP's own border between success and failure
            raise RejectedError(Code.AIRFLOW_REFUSED, f"{method} {path}: {status} {_detail(text)}", where=self._address)
        return json.loads(text) if text else None


def _lines(row: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return what one record of a log says: its event, and the errors that came with it."""
    if not isinstance(row, dict):
        return [str(row)]
    errors = [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in row.get("error_detail") or ()]
    return [str(row.get("event", "")), *errors]


def _placed(task_id: str, place: int) -> str:
    return task_id if place < 0 else f"{task_id}[{place}]"


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"


def _detail(text: str) -> str:
    try:
        detail = json.loads(text)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = text
    return str(detail)[:500]
