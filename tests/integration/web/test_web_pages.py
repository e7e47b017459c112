"""What each page shows of a real ledger, and that whatever comes from data, or from a person, is text on it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from fastapi import FastAPI

from perennial.ports import Stores
from perennial.stores.ledger import PostgresLedger
from perennial.web.site import Site

MODEL = "/models/bike_demand/all"
PAGES = (
    "/", "/api", MODEL, f"{MODEL}/nights", f"{MODEL}/night", f"{MODEL}/drift", f"{MODEL}/versions", f"{MODEL}/promotions",
    f"{MODEL}/versions/bike_demand-all-version-0", f"{MODEL}/predictions", f"{MODEL}/predictions?entity=north",
    f"{MODEL}/versions?one=bike_demand-all-version-0&other=bike_demand-all-version-0",
    f"{MODEL}/prediction?entity=north&at=2024-03-03", "/models/nothing/all",
)  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>{{ 7 * 7 }} \u202eevil\u202c 😀 naïve",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "x" * 1500,
)
"""What ends an element or a value in each of the ways that there are, what is an address, and what is long."""


class Page(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.text += data


def harmless(page: Page) -> None:
    """Fail where a page has anything that a browser would run: scripts, handlers, styles, addresses of other kinds."""
    for tag, attributes in page.elements:
        assert tag != "script" or attributes == {"src": "/assets/page.js"}
        assert tag not in {"img", "iframe", "object", "embed", "base", "style"}
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style"
            if name in {"href", "src", "action"}:
                assert (value or "").startswith(("/", "#")), (tag, value)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_and_runs_nothing_of_its_own(browser: Any, path: str) -> None:
    """Valid nesting of what closes, one heading, a language, a title, and nothing inline."""
    answer = browser.get(path)
    page = Page(answer.text)
    harmless(page)
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("h1"), tags.count("main"), tags[: tags.index("body")].count("title")) == (1, 1, 1)
    assert ("html", {"lang": "en"}) in page.elements
    assert answer.text.count("<table") == answer.text.count("</table>")
    assert len(answer.content) < 300_000


@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_name_that_is_read_aloud(browser: Any, path: str) -> None:
    """A label, or words of its own."""
    page = Page(browser.get(path).text)
    labelled = {attributes.get("for") for tag, attributes in page.elements if tag == "label"}
    for tag, attributes in page.elements:
        if tag in {"input", "select"} and attributes.get("type") not in {"hidden", "checkbox"}:
            assert attributes.get("id") in labelled or attributes.get("aria-label"), attributes


@pytest.mark.parametrize("path", PAGES)
def test_every_plot_is_told_in_words(browser: Any, path: str) -> None:
    """To who cannot see it."""
    for (tag, attributes), (_, inside) in pairwise(Page(browser.get(path).text).elements):
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") or inside.get("aria-label")


def test_the_fleet_tells_how_each_model_stands(browser: Any) -> None:
    """Champion, last night, decision, loss beside the baseline, drift, and what waits."""
    page = Page(browser.get("/").text).text
    for said in ("bike_demand", "all-version-0", "2024-03-06", "watch", "78 % of the baseline", "100 %", "in 18 hours"):
        assert said in page, said


def test_the_fleet_is_searched_and_sorted_without_javascript(browser: Any) -> None:
    """By address alone."""
    assert "Nothing fits." in browser.get("/?q=absent").text
    both = browser.get("/api/fleet?order=night&down=true").json()["rows"]
    assert [row["standing"]["segment"] for row in both] == ["all", "north"]
    assert [row["standing"]["segment"] for row in browser.get("/api/fleet?order=night").json()["rows"]] == ["north", "all"]
    assert browser.get("/api/fleet?q=north").json()["found"] == 1
    assert browser.get("/api/fleet?show=attention").json()["found"] == 2
    assert browser.get("/api/fleet?show=waiting").json()["found"] == 0
    assert browser.get("/?order=champions").status_code == 422


def test_the_fleet_as_csv_is_what_was_searched_for_in_its_order(browser: Any) -> None:
    """The page leads to it."""
    [address] = re.findall(r'href="[^"]*(/fleet\.csv[^"]*)"', browser.get("/?q=bike&show=attention&order=night&down=true").text)
    assert address == "/fleet.csv?q=bike&amp;show=attention&amp;order=night&amp;down=true"
    for down, segments in (("true", ["all", "north"]), ("false", ["north", "all"])):
        rows = csv.DictReader(io.StringIO(browser.get(f"/fleet.csv?q=bike&order=night&down={down}").text))
        assert [row["segment"] for row in rows] == segments


def test_a_model_leads_to_its_segments(browser: Any) -> None:
    """Each by itself."""
    answer = browser.get("/models/bike_demand")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models/bike_demand/all")
    assert browser.get("/dags/score_bike_demand").headers["location"] == "/models/bike_demand/all"
    assert browser.get("/dags/something_else").status_code == 404
    assert "/models/bike_demand/north" in browser.get(MODEL).text


@pytest.mark.parametrize("page", ["night", "versions"])
def test_who_looks_a_moment_later_has_nothing_read_anew(
    app: FastAPI, told: PostgresLedger, site_of: Callable[[PostgresLedger], Site], browser: Any, page: str
) -> None:
    """What is told of a night, and the versions, are shared for a while; with no while to share them, they are read each time."""

    def reads(lately: timedelta) -> list[int]:
        site, asked, counts = site_of(told), list[int](), list[int]()

        def stores() -> Stores:
            asked.append(1)
            return site.stores()

        app.state.site = replace(site, lately=lately, stores=stores)
        for _ in range(2):
            asked.clear()
            assert browser.get(f"{MODEL}/{page}").status_code == 200
            counts.append(len(asked))
        return counts

    first, later = reads(timedelta(days=1))
    assert later < first
    assert reads(timedelta(0)) == [first, first]


def test_one_goes_back_in_time_and_returns(browser: Any) -> None:
    """From the plot of a model to the nights before those, and to the newest; where nothing was before, nothing leads there."""
    then = browser.get(f"{MODEL}?days=7&until=2024-03-12T00:00Z").text
    assert f'href="{MODEL}?days=7&amp;until=2024-03-05T00%3A00%3A00%2B00%3A00">earlier</a>' in then
    assert f'href="{MODEL}?days=7">newest</a>' in then
    newest = browser.get(f"{MODEL}?days=60").text
    assert (">earlier</a>" in newest, ">newest</a>" in newest) == (False, False)


def test_a_night_tells_why_and_what_would_have_changed_it(browser: Any) -> None:
    """Every signal with its figure and threshold; the ids behind it; its run in Airflow."""
    page = Page(browser.get(f"{MODEL}/night?at=2024-03-03").text).text
    for said in ("2024-03-03", "Nothing moved.", "The loss is higher than the evaluated one.", "0.5", "inf", "30 nights"):
        assert said in page, said
    assert "below 0.5 (inf was measured) the night would keep the champion" in page
    assert "scheduled__2024-03-03" in page


def test_a_night_whose_quarantine_is_lost_says_so(browser: Any) -> None:
    """And shows everything else."""
    answer = browser.get(f"{MODEL}/night?at=2024-03-03")
    assert (answer.status_code, "cannot be read any more" in answer.text) == (200, True)


def test_what_moved_is_told_without_the_counts(browser: Any) -> None:
    """Where the artifacts are gone, the figures are still there."""
    page = Page(browser.get(f"{MODEL}/drift").text).text
    assert "The counts cannot be read any more" in page
    assert "temperature" in page


def test_an_entity_is_looked_up(browser: Any) -> None:
    """Its predictions, the labels that have come, the version and the night behind each."""
    found = browser.get(f"/api{MODEL}/predictions?entity=north&from=2024-03-02&until=2024-03-07").json()
    assert len(found["rows"]) == 5 * 24
    first, last = found["rows"][0], found["rows"][-1]
    assert (first["prediction"], first["label"], first["version"]) == (1.0, 3.0, "bike_demand-all-version-0")
    assert (last["prediction"], last["label"]) == (24.0, None)
    assert browser.get(f"/api{MODEL}/predictions?entity=nobody").json()["rows"] == []
    assert browser.get(f"/api{MODEL}/entities?beginning=s").json() == ["south"]


def test_where_a_prediction_comes_from(browser: Any) -> None:
    """As `perennial trace` tells it."""
    assert "bike_demand-all-snapshot-score-2" in browser.get(f"{MODEL}/prediction?entity=north&at=2024-03-03T05:00").text
    assert browser.get(f"{MODEL}/prediction?entity=north&at=2031-03-03").status_code == 404


@pytest.mark.parametrize(
    "path", ["/models/nothing/all", f"{MODEL}/night?at=2031-01-01", f"{MODEL}/versions/nothing", "/models/NOPE/all", "/nowhere"]
)
def test_what_is_not_there_is_said_so(browser: Any, path: str) -> None:
    """As a page for a person and as JSON for a program."""
    assert browser.get(path).status_code == 404
    assert browser.get(f"/api{path}").json()["detail"]


def test_a_version_of_another_segment_is_not_there(browser: Any) -> None:
    """The right to one model is no right to another, however its version is called."""
    assert browser.get(f"{MODEL}/versions/bike_demand-north-version-0").status_code == 404
    assert browser.get(f"{MODEL}/versions/bike_demand-north-version-0/card.md").status_code == 404


@pytest.mark.parametrize("at", ["yesterday", "2024-13-01", "9999-99-99"])
def test_a_moment_that_cannot_be_read_is_said_so(browser: Any, at: str) -> None:
    """With the form that is allowed."""
    answer = browser.get(f"/api{MODEL}/night?at={at}")
    assert (answer.status_code, answer.json()["detail"][:15]) == (422, "A moment must b")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_people_and_data_say_is_text(acting: Any, ledger: PostgresLedger, tell: Any, hostile: str) -> None:
    """On every page, whatever it looks like."""
    tell(ledger, hostile)
    definitions = acting.app.state.site.definitions.found
    definitions["bike_demand"] = definitions["bike_demand"].model_copy(
        update={"title": hostile, "purpose": hostile, "owner": hostile}
    )
    for path in PAGES:
        answer = acting.get(path.replace("north", "").rstrip("="))
        harmless(Page(answer.text))
        assert hostile not in answer.text or not set(hostile) & set("<>\"'&")
    for path, said in {
        MODEL: hostile,
        f"{MODEL}/night": hostile,
        f"{MODEL}/drift": hostile[:200],
        f"{MODEL}/promotions": hostile,
        f"{MODEL}/versions/bike_demand-all-version-0": hostile,
        f"{MODEL}/predictions": f"{hostile[:900]} 0",
    }.items():
        assert said in Page(acting.get(path).text).text, path
    entity = acting.send("GET", f"{MODEL}/predictions", params={"entity": f"{hostile[:900]} 0", "from": "2024-03-01"})
    harmless(Page(entity.text))
    assert "24 predictions" in Page(entity.text).text


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"])
def test_no_export_holds_a_formula(acting: Any, ledger: PostgresLedger, tell: Any, hostile: str) -> None:
    """A text that a spreadsheet would run begins with an apostrophe."""
    tell(ledger, hostile)
    entity = {"entity": f"{hostile} 0", "from": "2024-03-01"}
    for path, column, said in (
        ("/fleet.csv", "sentence", hostile),
        (f"{MODEL}/nights.csv", "sentence", hostile),
        (f"{MODEL}/promotions.csv", "reason", hostile),
        (f"{MODEL}/promotions.csv", "actor", hostile),
        (f"{MODEL}/predictions.csv", "entity", f"{hostile} 0"),
    ):
        rows = list(
            csv.DictReader(io.StringIO(acting.send("GET", path, params=entity if "predictions" in path else {}).text, newline=""))
        )
        assert {row[column] for row in rows if row[column]} == {f"'{said}"}, path


def test_the_exports_have_what_the_pages_show(browser: Any) -> None:
    """All of it, with figures as figures."""
    rows = list(csv.DictReader(io.StringIO(browser.get(f"{MODEL}/nights.csv").text)))
    assert [float(row["loss"]) for row in rows] == [3, 4, 5, 6, 7]
    entity = list(csv.DictReader(io.StringIO(browser.get(f"{MODEL}/predictions.csv?entity=north").text)))
    assert len(entity) == 5 * 24
    promotions = list(csv.DictReader(io.StringIO(browser.get(f"{MODEL}/promotions.csv").text)))
    assert [row["version"] for row in promotions] == ["bike_demand-all-version-0"]


def test_the_pages_live_below_any_address(browser: Any) -> None:
    """Every address on a page begins where the application is mounted."""
    above = FastAPI()
    above.mount("/perennial", browser.app)
    page = Page(replace(browser, app=above).get("/perennial/models/bike_demand/all").text)
    for tag, attributes in page.elements:
        for name in ("href", "src", "action"):
            found = attributes.get(name) or "#"
            assert found.startswith(("/perennial/", "#", "/dags/")), (tag, found)


def test_the_pages_know_the_present_from_the_site_alone(browser: Any) -> None:
    """So that a test, and a replay, can stand still."""
    assert "5 days ago" in browser.get(MODEL).text
