"""Nobody sees or does anything without a login and the right to it; every route is found by walking the application."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text

from perennial.stores.ledger import PostgresLedger
from perennial.web.access import Deed
from perennial.web.app import create_app
from perennial.web.headers import POLICY

DEEDS = {"retrain", "answer", "rollback", "pause"}
OPEN_TO_ALL_WHO_ARE_IN = {"/", "/fleet.csv", "/api", "/api/fleet", "/api/openapi.json", "/assets/{name}"}
"""What is about no model in particular: it shows only what the person may read."""

_WORDS = {
    "model": "bike_demand", "segment": "all", "version": "bike_demand-all-version-0", "dag": "score_bike_demand",
    "name": "style.css",
}  # fmt: skip
_ASKED = "?entity=north&at=2024-03-02&one=bike_demand-all-version-0&other=bike_demand-all-version-0"


def routes(app: Any) -> list[tuple[str, str]]:
    """Return each method and path that *app* answers, however deep it lies."""
    found = []
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is served without what a route of ours demands"
        found += [(method, route.path) for method in sorted(route.methods)]
    return found


def address(path: str) -> str:
    """Return a path with its gaps filled, and with whatever any page asks for."""
    return re.sub(r"{(\w+)}", lambda gap: _WORDS[gap[1]], path) + _ASKED


@cache
def everything() -> list[tuple[str, str]]:
    """Return every route of the application."""
    return routes(create_app(object()))  # type: ignore[arg-type] # nothing is asked of the site


def rows(ledger: PostgresLedger) -> dict[str, str]:
    """Return a digest of the rows of each table of the ledger."""
    with ledger.engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'perennial' ORDER BY 1")).all()
        made = "SELECT count(*) || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM perennial.{} t"
        return {table: connection.scalar(text(made.format(f'"{table}"'))) for table in tables}


def test_the_walk_finds_the_routes() -> None:
    """The pages, their JSON, CSV, the deeds and the two files."""
    found = {path for _, path in everything()}
    assert {
        "/",
        "/models/{model}/{segment}",
        "/api/models/{model}/{segment}/night",
        "/models/{model}/{segment}/nights.csv",
    } <= found
    assert len(found) > 30


@pytest.mark.parametrize(("method", "path"), everything())
def test_nothing_is_answered_without_a_login(browser: Any, method: str, path: str) -> None:
    """Neither a page, nor JSON, nor a file, nor a deed: 401, whatever else is said."""
    answer = browser.as_(None).send(method, address(path), headers={"origin": "http://airflow.example"}, content=b"reason=x")
    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path"), [one for one in everything() if one[1] not in OPEN_TO_ALL_WHO_ARE_IN])
def test_nothing_of_a_model_is_answered_without_the_right_to_it(browser: Any, doors: Any, method: str, path: str) -> None:
    """403, also for one that does not exist."""
    doors.rights = set()
    said = {
        "headers": {"origin": "http://airflow.example", "content-type": "application/x-www-form-urlencoded"},
        "content": b"reason=x",
    }
    assert browser.send(method, address(path), **said).status_code == 403
    assert browser.send(method, address(path).replace("bike_demand", "nothing"), **said).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api/fleet", "/fleet.csv"])
def test_the_fleet_has_only_what_the_person_may_read(browser: Any, doors: Any, path: str) -> None:
    """The name of another model is nowhere."""
    assert "bike_demand" in browser.get(path).text
    doors.rights = set()
    assert "bike_demand" not in browser.get(path).text


@pytest.mark.parametrize(("method", "path"), everything())
def test_only_a_post_changes_something(method: str, path: str) -> None:
    """Each deed is a POST, and everything else a GET."""
    assert method == ("POST" if path.rpartition("/")[2] in DEEDS else "GET")


def test_to_look_changes_nothing(browser: Any, told: PostgresLedger, bells: Any) -> None:
    """No row of the ledger, and nothing of Airflow; a deed is not there to be looked at."""
    before = rows(told)
    for method, path in everything():
        if method == "GET":
            answer = browser.get(address(path))
            assert answer.status_code < 400 or answer.status_code in {404, 410, 422}, (path, answer.text)
    for deed in DEEDS:
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
            said = {"params": {"reason": "because", "paused": "true"}, "headers": {"origin": "http://airflow.example"}}
            assert browser.send(method, f"/models/bike_demand/all/{deed}", **said).status_code == 405
    assert (rows(told), bells.asked) == (before, [])


@pytest.mark.parametrize("deed", sorted(DEEDS))
def test_who_may_read_may_not_act(browser: Any, doors: Any, deed: str) -> None:
    """Each deed asks for a right of its own."""
    doors.rights = {("ana", Deed.READ)}
    answer = browser.post(f"/models/bike_demand/all/{deed}", {"reason": "because"})
    assert (answer.status_code, "You may not" in answer.text) == (403, True)


@pytest.mark.parametrize("deed", sorted(DEEDS))
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://airflow.example.evil.example", "https://airflow.example:8443", ""]
)
def test_a_form_of_another_site_does_nothing(browser: Any, bells: Any, deed: str, origin: str) -> None:
    """The browser says where it comes from."""
    answer = browser.post(f"/models/bike_demand/all/{deed}", {"reason": "because"}, origin=origin)
    assert (answer.status_code, "does not come from these pages" in answer.text) == (403, True)
    assert bells.asked == []


def test_a_form_that_does_not_say_where_it_comes_from_does_nothing(browser: Any) -> None:
    """Only a program with a token of its own may be silent about that."""
    said = {"data": {"reason": "because", "paused": "true"}}
    assert browser.send("POST", "/models/bike_demand/all/pause", **said).status_code == 403
    assert browser.send("POST", "/models/bike_demand/all/pause", **said, headers={"authorization": "Bearer x"}).status_code == 200


@pytest.mark.parametrize("reason", ["", "   ", "x" * 401, "two\nlines", "bell\x07"])
def test_a_deed_needs_a_reason(browser: Any, bells: Any, reason: str) -> None:
    """One line, and not too long: the ledger keeps it."""
    answer = browser.post("/models/bike_demand/all/pause", {"reason": reason, "paused": "true"})
    assert (answer.status_code, bells.asked) == (422, [])


def test_a_request_that_is_too_large_is_refused(browser: Any) -> None:
    """Before it is read to its end."""
    assert browser.post("/models/bike_demand/all/pause", {"reason": "x" * 20_000}).status_code == 413


@pytest.mark.parametrize("path", ["/", "/api/fleet", "/fleet.csv", "/assets/page.js", "/models/nothing/all", "/nowhere"])
def test_every_answer_tells_the_browser_what_it_may_do(browser: Any, path: str) -> None:
    """Also a fault, a file, and what is not there."""
    headers = browser.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" in headers["cache-control"] or "private" in headers["cache-control"]


def test_the_policy_lets_no_page_run_what_is_not_a_file_of_ours() -> None:
    """No inline script or style, and nothing from elsewhere."""
    assert "unsafe" not in POLICY
    assert "*" not in POLICY
    assert POLICY.startswith("default-src 'none'")


def test_a_browser_that_has_a_file_is_told_so(browser: Any) -> None:
    """By its digest."""
    tag = browser.get("/assets/style.css").headers["etag"]
    assert browser.get("/assets/style.css", **{"if-none-match": tag}).status_code == 304
