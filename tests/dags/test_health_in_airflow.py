"""The pages of model health inside a real Airflow: its logins, its rights, its DAGs and its audit log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt
import pytest
from fastapi.routing import APIRoute

from perennial.core.receipts import Pause, RetrainRequest
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.orchestration.settings import load_secrets
from perennial.stores.ledger import PostgresLedger
from perennial.web.app import create_app

pytestmark = [pytest.mark.dags, pytest.mark.slow, pytest.mark.timeout(900)]

MODEL = "/models/looked_at/all"
Answer = tuple[int, str]
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(airflow: LocalAirflow) -> Ask:
    """Ask for a page with a token, or without one; with *said*, send JSON."""

    def send(path: str, token: str | None, said: Mapping[str, object] | None = None, **headers: str) -> Answer:
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        body = None if said is None else json.dumps(said).encode()
        request = Request(f"{airflow.address}/perennial{path}", body, {**sent, "Content-Type": "application/json"})  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=300) as answer:  # noqa: S310 - the same
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    return send


@pytest.fixture(scope="module")
def client(airflow: LocalAirflow) -> Client:
    """A client of Airflow's own API, once it has parsed the model's DAGs."""
    airflow.client.unpause("score_looked_at")
    airflow.client.pause("score_looked_at")
    airflow.client.unpause("retrain_looked_at")
    airflow.client.pause("retrain_looked_at")
    return airflow.client


@pytest.fixture(scope="module")
def viewer(airflow: LocalAirflow) -> str:
    """The token of somebody whom Airflow lets look, and nothing else."""
    key = load_secrets(airflow.logs.parent).jwt
    claims: dict[str, Any] = jwt.decode(airflow.client.token, options={"verify_signature": False})
    return jwt.encode(
        {**claims, "sub": "eve", "role": "viewer"}, key, algorithm=jwt.get_unverified_header(airflow.client.token)["alg"]
    )


@pytest.fixture
def ledger(airflow_environment: dict[str, str]) -> Iterator[PostgresLedger]:
    """The ledger of the session's Airflow."""
    opened = PostgresLedger.open(airflow_environment["PERENNIAL_DATABASE_URL"])
    yield opened
    opened.close()


def test_airflow_s_login_is_asked_for(ask: Ask) -> None:
    """Without one, and with a token that is none, no route answers, whatever it is asked for."""
    routes = [route for route in create_app(object()).routes if isinstance(route, APIRoute)]  # type: ignore[arg-type] # nothing is asked of the site
    for route in routes:
        path = route.path.replace("{model}/{segment}", "looked_at/all").replace("{", "").replace("}", "")
        said = {"reason": "because"} if "POST" in route.methods else None
        assert ask(path, None, said)[0] == 401, path
        assert ask(path, "no token", said)[0] in {401, 403}, path
    assert len(routes) > 30


def test_the_pages_are_there_for_who_is_logged_in(ask: Ask, client: Client) -> None:
    """By the token in a header, and by the cookie that Airflow's own pages have."""
    status, page = ask("/", client.token)
    assert (status, "looked_at" in page) == (200, True)
    assert ask("/", None, Cookie=f"_token={client.token}")[0] == 200


def test_airflow_shows_the_pages(client: Client) -> None:
    """In its navigation and beside each DAG."""
    [plugin] = [one for one in client.request("GET", "/plugins?limit=100")["plugins"] if one["name"] == "perennial"]
    assert [view["destination"] for view in plugin["external_views"]] == ["nav", "dag"]
    assert plugin["fastapi_apps"][0]["url_prefix"] == "/perennial"


def test_airflow_finds_no_fault_with_the_plugin(client: Client) -> None:
    """Its first page would say so to everybody: the wheel and the folder of plugins both have it."""
    assert client.request("GET", "/plugins/importErrors")["import_errors"] == []


def test_who_may_only_look_may_not_act(ask: Ask, client: Client, viewer: str, ledger: PostgresLedger) -> None:
    """Airflow's own rights decide; nothing reaches the ledger."""
    assert ask(MODEL, viewer)[0] == 200
    for deed in ("retrain", "answer", "rollback", "pause"):
        status, said = ask(f"{MODEL}/{deed}", viewer, {"reason": "me too", "paused": False})
        assert (status, "You may not" in said) == (403, True)
    assert client.request("GET", "/dags/score_looked_at")["is_paused"]
    assert [one for one in ledger.history(Pause, "looked_at") if one.actor == "eve"] == []


def test_a_pause_is_airflow_s_own_and_in_both_records(ask: Ask, client: Client, ledger: PostgresLedger) -> None:
    """The ledger knows the reason, Airflow's audit log the call."""
    for paused in (False, True):
        assert ask(f"{MODEL}/pause", client.token, {"reason": "the source moves", "paused": paused})[0] == 200
        for dag in ("score_looked_at", "retrain_looked_at"):
            assert client.request("GET", f"/dags/{dag}")["is_paused"] is paused
    assert [(one.paused, one.actor) for one in ledger.history(Pause, "looked_at")[-2:]] == [(False, "admin"), (True, "admin")]
    events = client.request("GET", "/eventLogs?dag_id=score_looked_at&event=patch_dag&limit=10")["event_logs"]
    assert {event["owner"] for event in events} == {"admin"}


def test_a_retraining_starts_a_run_in_the_persons_name(ask: Ask, client: Client, ledger: PostgresLedger) -> None:
    """It answers the request that was filed; asked for again at once, it is refused."""
    status, said = ask(f"{MODEL}/retrain", client.token, {"reason": "a new station"})
    assert status == 200, said
    [request] = ledger.history(RetrainRequest, "looked_at")
    [run] = client.request("GET", "/dags/retrain_looked_at/dagRuns")["dag_runs"]
    assert (run["triggering_user_name"], run["conf"]["request"]) == ("admin", request.id)
    assert ask(f"{MODEL}/retrain", client.token, {"reason": "a new station", "force": True})[0] == 409
    status, page = ask(MODEL, client.token)
    assert (status, f"/dags/retrain_looked_at/runs/{run['dag_run_id']}" in page, "request open" in page) == (200, True, True)
