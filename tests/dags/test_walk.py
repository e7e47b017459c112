"""A person's way through Airflow in a real browser: triggers by its form, answers in its form, looks at model health, rolls back.

What a person does is done once, in an order, by the fixtures; the tests look at what came of it. SCREENSHOTS names a folder that
keeps a picture of each page.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from perennial import wiring
from perennial.core.receipts import Approval, Evaluation, ModelVersion, Promotion
from perennial.definition.calendar import training_window
from perennial.definition.loader import load
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.ports import Ledger, Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.loop import retrain
from perennial.stores.sql.source import write_table
from perennial.testing.story import FIRST_DAY, day

pytestmark = [
    pytest.mark.dags,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Playwright's own pipes
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Playwright
]

MODEL, DAG = "walked", "retrain_walked"
PATIENCE_MS = 180_000
WRONG = "the last one"
APPROVED, REJECTED, BACK = "it looks right", "too much <b>rain</b> in it", "the vans went to the wrong places"


@dataclass(frozen=True)
class Operator:
    """Somebody in front of Airflow, who goes by what stands on the screen."""

    page: Any
    client: Client
    log: Path

    def opens_the_form(self) -> Any:
        """Ask for a run of the retraining DAG, and return the form."""
        self.page.goto(f"/dags/{DAG}")
        self.page.get_by_role("button", name="Trigger Dag").click()
        return self.page.get_by_role("dialog").filter(has_text="Single Run")

    def says_why(self, form: Any, field: str, value: str) -> None:
        """Fill in a field of the section that says why."""
        section = form.get_by_role("button", name="Why", exact=True)
        if section.get_attribute("aria-expanded") != "true":
            section.click()
        form.get_by_role("group").filter(has_text=re.compile(f"^{field}")).get_by_role("textbox").fill(value)

    def says_as_of(self, form: Any, date: str) -> None:
        """Choose the moment up to which things may be known."""
        form.get_by_role("button", name="What may be known").click()
        form.get_by_role("group").filter(has_text=re.compile("^As of")).get_by_text("Select date and time").click()
        calendar = self.page.get_by_role("dialog").filter(has=self.page.get_by_role("textbox", name="As of"))
        calendar.get_by_role("textbox", name="As of").fill(date)
        calendar.get_by_role("textbox", name="HH:mm").fill("00:00")
        self.page.keyboard.press("Escape")

    def triggers(self, *, as_of: str, reason: str) -> str:
        """Start a run with good values, wait until it asks a person, and return its id."""
        form, asked = self.opens_the_form(), self._asked()
        self.says_why(form, "Reason", reason)
        self.says_as_of(form, as_of)
        self.picture("airflow_trigger")
        form.get_by_role("button", name="Trigger").click()
        self.page.wait_for_url(re.compile("/runs/"))
        # An answer that comes before the scheduler has heard that the task's process ended makes it a task that was killed.
        deadline = time.monotonic() + 300
        while self._asked() == asked:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return unquote(self.page.url.partition("/runs/")[2].partition("/")[0])

    def answers(self, run: str, option: str, comment: str, *, about: str) -> None:
        """Find the question among Airflow's required actions, read it, answer it, and wait until the run has ended."""
        self.page.goto("/required_actions")
        self.page.get_by_role("link", name=f"Walked: make {about} champion?").first.click()
        self.page.get_by_role("heading", name="Gates").wait_for()
        plot = self.page.get_by_role("img", name="mae of this version")
        assert plot.evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 0
        self.picture("airflow_approval")
        self.page.get_by_role("group").filter(has_text="Comment").get_by_role("textbox").fill(comment)
        self.page.get_by_role("button", name=option).click()
        self.page.get_by_text("approve response successful").wait_for()
        assert self.client.wait(DAG, run) == "success"

    def goes_to_the_model(self) -> Any:
        """Go from Airflow's navigation to the page of the model, and return the frame that it is in."""
        self.page.goto("/")
        self.page.get_by_role("link", name="Model health").click()
        frame = self.page.locator("iframe").content_frame
        frame.get_by_role("link", name=MODEL, exact=True).click()
        frame.get_by_role("heading", name="Newest runs").wait_for()
        return frame

    def reads_the_ledger(self) -> list[str]:
        """Return the rows of promotions as they are shown, the newest first."""
        frame = self.goes_to_the_model()
        frame.get_by_role("link", name="Promotions").click()
        frame.get_by_role("heading", name="Promotions").wait_for()
        self.picture("airflow_promotions")
        return [str(row) for row in frame.get_by_role("table").get_by_role("row").all_inner_texts()[1:]]

    def reads_about(self, version: str) -> str:
        """Return what the page of a version says became of it."""
        frame = self.goes_to_the_model()
        frame.get_by_role("link", name="Versions").click()
        frame.get_by_role("link", name=version.removeprefix(f"{MODEL}-")).first.click()
        told = frame.get_by_role("region", name="Promotions and answers")
        told.wait_for()
        return str(told.inner_text())

    def picture(self, name: str) -> None:
        """Keep what is on the screen, in both looks, where somebody wants that."""
        folder = os.environ.get("SCREENSHOTS")
        for look in ("dark", "light") if folder else ():
            self.page.emulate_media(color_scheme=look)
            self.page.screenshot(path=Path(folder or "") / f"{name}_{look}.png", animations="disabled")

    def _asked(self) -> int:
        """Return how often the scheduler has heard that the retraining asks somebody."""
        return self.log.read_text(errors="replace").count(f"TaskInstance Finished: dag_id={DAG}, task_id=approve,")


@pytest.fixture(scope="module")
def operator(chromium: Any, airflow: LocalAirflow) -> Iterator[Operator]:
    """Somebody who has logged in by Airflow's own form."""
    context = chromium.new_context(base_url=airflow.address, viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/")
    page.get_by_role("textbox", name="Username").fill(airflow.login.username)
    page.get_by_role("textbox", name="Password").fill(airflow.login.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Welcome").wait_for()
    yield Operator(page, airflow.client, airflow.logs / "scheduler.log")
    context.close()


@pytest.fixture(scope="module")
def stores(operator: Operator, airflow_environment: dict[str, str], airflow_definitions: Path) -> Iterator[Stores]:
    """The stores of the session's Airflow, over 45 days of a city; the model has a champion that nobody was asked about."""
    del operator  # first: there may be no browser
    settings = wiring.Settings.of(airflow_environment)
    for name, rows in tables(world(seed=7, days=45, start=FIRST_DAY.date())).items():
        write_table(settings.connections["bikes"], f"walked_{name}", rows)
    definition = load(airflow_definitions / f"{MODEL}.yml")
    unasked = definition.model_copy(update={"publish": definition.publish.model_copy(update={"approval": "automatic"})})
    with wiring.open_stores(settings) as opened:
        assert retrain(unasked, training_window(unasked, day(29)), opened, reason="first", actor="tests").promoted
        yield opened


@pytest.fixture(scope="module")
def ledger(stores: Stores) -> Ledger:
    """What the pages show."""
    return stores.ledger


@pytest.fixture(scope="module")
def refused(operator: Operator, ledger: Ledger) -> str:
    """What Airflow says to a wrong value in the form, of a DAG that had no run."""
    assert len(ledger.history(Promotion, MODEL)) == 1
    operator.client.unpause(DAG)
    form = operator.opens_the_form()
    operator.says_why(form, "Request", WRONG)
    form.get_by_role("button", name="Trigger").click()
    said = form.get_by_text("Invalid input for param")
    said.wait_for()
    operator.picture("airflow_refused")
    assert operator.client.runs(DAG) == {}
    return str(said.inner_text())


@pytest.fixture(scope="module")
def approved(operator: Operator, ledger: Ledger, refused: str) -> str:
    """A challenger that was trained by Airflow's form and approved in Airflow's form."""
    del refused  # before there is a run
    run = operator.triggers(as_of="2024/04/03", reason="a new station")
    challenger = ledger.history(Evaluation, MODEL)[-1].challenger
    operator.answers(run, "Approve", APPROVED, about=challenger)
    return challenger


@pytest.fixture(scope="module")
def rejected(operator: Operator, ledger: Ledger, approved: str) -> str:
    """The next one, which was rejected."""
    run = operator.triggers(as_of="2024/04/06", reason="more rides")
    challenger = ledger.history(Evaluation, MODEL)[-1].challenger
    assert challenger != approved
    operator.answers(run, "Reject", REJECTED, about=challenger)
    return challenger


@pytest.fixture(scope="module")
def rolled_back(operator: Operator, rejected: str) -> str:
    """What the page says to a rollback after both."""
    del rejected
    frame = operator.goes_to_the_model()
    deed = frame.get_by_role("group").filter(has_text="Roll back")
    deed.get_by_text("Roll back").first.click()
    deed.get_by_role("textbox", name="Reason").fill(BACK)
    operator.picture("airflow_rollback")
    deed.get_by_role("button", name="Roll back").click()
    done = frame.get_by_text("is champion at epoch 3")
    done.wait_for()
    return str(done.inner_text())


def test_a_wrong_value_is_refused_in_the_form(refused: str) -> None:
    """It says which field, and what was given; there is no run."""
    assert refused.startswith(f"Invalid input for param request: '{WRONG}' does not match")


def test_what_the_form_says_reaches_the_version(ledger: Ledger, approved: str) -> None:
    """The reason and the moment."""
    version = ledger.get(ModelVersion, approved)
    assert (version.reason, version.as_of) == ("a new station", day(33))


def test_who_approved_is_in_the_ledger_and_on_the_page(operator: Operator, ledger: Ledger, approved: str) -> None:
    """With the comment of Airflow's form."""
    [promotion] = [row for row in ledger.history(Promotion, MODEL) if row.version == approved]
    approval = ledger.get(Approval, promotion.approval or "")
    assert (promotion.epoch, promotion.actor, approval.actor, approval.comment) == (2, "admin", "admin", APPROVED)
    told = operator.reads_about(approved)
    assert "epoch 2" in told
    assert f"approved by admin\n{APPROVED}" in told


def test_who_rejected_is_in_the_ledger_and_on_the_page(operator: Operator, ledger: Ledger, rejected: str) -> None:
    """Its comment is text; it was never champion."""
    [approval] = [row for row in ledger.history(Approval, MODEL) if row.comment == REJECTED]
    assert (approval.verdict, approval.actor) == ("fail", "admin")
    assert [row for row in ledger.history(Promotion, MODEL) if row.version == rejected] == []
    told = operator.reads_about(rejected)
    assert "It was never champion." in told
    assert f"rejected by admin\n{REJECTED}" in told


def test_a_rollback_is_a_row_of_the_ledger(operator: Operator, ledger: Ledger, approved: str, rolled_back: str) -> None:
    """The first champion is back, by whom and why; nothing before it has changed."""
    first, second, third = ledger.history(Promotion, MODEL)
    assert rolled_back.startswith(f"{first.version} is champion at epoch 3 from ")
    assert (second.version, third.version, third.actor, third.reason) == (approved, first.version, "admin", BACK)
    rows = [row.split("\t") for row in operator.reads_the_ledger()]
    assert [(row[0], row[1], row[2], row[4]) for row in rows] == [
        ("3", "rollback", first.version, "admin"),
        ("2", "promote", second.version, "admin"),
        ("1", "promote", first.version, "tests"),
    ]
    assert rows[0][5] == BACK
