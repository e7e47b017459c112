"""A site over a real ledger: a model with a champion and a few nights; and somebody who asks for its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import Action, Measurement, NightLoss, Role, SignalState, Verdict
from perennial.definition.models import Definition
from perennial.ports import Ledger, Stores
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.health import PostgresHealth
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.testing import InlineWorkshop, MemoryArtifacts
from perennial.testing.story import DAY, Story, day, night, outcomes, predictions
from perennial.web.access import Access, Deed, Person, Request
from perennial.web.app import create_app
from perennial.web.site import Flow, Site

NIGHTS = 6
NOW = day(NIGHTS + 0.25)
HOST = "http://airflow.example"


@dataclass
class Doors:
    """Lets in whom a header names, and lets them do what *rights* say: by default everything."""

    rights: set[tuple[str, Deed]] | None = None

    async def person(self, request: Request) -> Person:
        """Return who the header names."""
        name = request.headers.get("x-person")
        if name is None:
            raise HTTPException(401, "Not authenticated")
        return Person(name)

    def may(self, person: Person, deed: Deed, model: str) -> bool:
        """Return whether the person has the right."""
        return self.rights is None or (person.name, deed) in self.rights

    def readable(self, person: Person, models: Collection[str]) -> set[str]:
        """Return the models, all or none."""
        return {model for model in models if self.may(person, Deed.READ, model)}


@dataclass
class Bells:
    """Has the DAGs of one model, and keeps what it is asked to do."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    waits: bool = False
    refuses: bool = False

    def flows(self, dags: Collection[str]) -> Mapping[str, Flow]:
        """Return both DAGs as running."""
        return {dag: Flow(paused=False, next_run=day(NIGHTS + 1)) for dag in dags if dag.endswith("bike_demand")}

    def runs(self, dag: str, *, newest: int) -> Sequence[tuple[str, str, datetime | None]]:
        """Return one run."""
        return [(f"scheduled__{dag}", "success", day(NIGHTS))][:newest]

    def run_of(self, dag: str, night: Interval) -> str | None:
        """Return a run that is called like its night."""
        return f"scheduled__{night.start:%Y-%m-%d}"

    def ring(self, dag: str, run: str, conf: Mapping[str, object], *, person: Person) -> None:
        """Keep the call."""
        self._require()
        self.asked.append(("ring", dag, run, dict(conf), person.name))

    def answer(self, dag: str, run: str, challenger: str, *, approve: bool, person: Person, reason: str) -> bool:
        """Keep the call, and say whether a task waits."""
        self._require()
        self.asked.append(("answer", dag, run, challenger, approve, person.name, reason))
        return self.waits

    def pause(self, dag: str, *, paused: bool, person: Person) -> None:
        """Keep the call."""
        self._require()
        self.asked.append(("pause", dag, paused, person.name))

    def _require(self) -> None:
        if self.refuses:
            raise RejectedError(Code.AIRFLOW_REFUSED, "403 You are not assigned", where="Airflow")


@dataclass
class Files:
    """Definitions in memory."""

    found: dict[str, Definition]

    def names(self) -> list[str]:
        """Return their names."""
        return sorted(self.found)

    def get(self, model: str) -> Definition | None:
        """Return one."""
        return self.found.get(model)


@dataclass(frozen=True)
class Browser:
    """Asks the application as somebody, from the host where it is served."""

    app: Any
    person: str | None = "ana"

    def as_(self, person: str | None) -> Browser:
        """Return the same for somebody else; None is nobody."""
        return replace(self, person=person)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a page."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, said: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send a form from a page of our own, unless *headers* say otherwise."""
        return self.send("POST", path, data=dict(said), headers={"origin": HOST, **headers})

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send anything."""
        headers = {**({"x-person": self.person} if self.person else {}), **more.pop("headers", {})}

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HOST) as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())


def tell_story(ledger: Ledger, story: Story, nights: int = NIGHTS) -> None:
    """Record a champion and *nights* nights: measured, decided, predicted, and all but the last one labelled."""
    story.keep_champion(ledger)
    for number in range(1, nights):
        story.keep_night(ledger, number)
        ledger.record(measured(story, number))
        ledger.record(story.decision(number).model_copy(update={"action": Action.WATCH if number == nights - 1 else Action.KEEP}))
        ledger.publish(story.batch(number), predictions(night(number)))
        if number < nights - 1:
            ledger.record_outcomes(story.model, story.segment, outcomes(night(number), value=3.0))


def tell_all(ledger: Ledger, said: str) -> None:
    """Record *said* wherever a person, a source or a model may put words: names, sentences, reasons, actors, an entity."""
    story = Story()
    column = said[:200]
    words = {"reason": said, "actor": said}
    story.keep_version(ledger, 0)
    ledger.record(story.approval(0).model_copy(update={"comment": said, "actor": said, "verdict": Verdict.PASS}))
    ledger.promote(story.promotion(1, 0, approved=True).model_copy(update=words))
    ledger.request_retraining(story.request(1).model_copy(update={"reason": said, "origin": said}), cooldown=DAY, max_per_30d=None)
    ledger.record(story.snapshot(1))
    (finding, _) = story.validation(1).findings
    ledger.record(
        story.validation(1).model_copy(update={"findings": (finding.model_copy(update={"column": column, "sentence": said}),)})
    )
    made = story.measurement(1)
    drift = made.drift[0].model_copy(update={"column": column})
    ledger.record(made.model_copy(update={"drift": (drift,)}))
    signal = story.decision(1).signals[0].model_copy(update={"name": column, "sentence": said})
    ledger.record(story.decision(1).model_copy(update={"sentence": said, "otherwise": (said,), "signals": (signal,)}))
    ledger.publish(story.batch(1), predictions(night(1), entities=(f"{said[:900]} 0", f"{said[:900]} 1")))


def measured(story: Story, number: int) -> Measurement:
    """Return what was measured of a night: its own loss and the baseline's, on half of the labels."""
    made = story.measurement(number)
    version = story.version(0).id
    own = NightLoss(
        interval=night(number), role=Role.CHAMPION, version=version, predicted=48, labelled=24, loss=2.0 + number, square=40.0
    )
    trivial = own.model_copy(update={"role": Role.BASELINE, "loss": 9.0})
    drift = made.drift[0].model_copy(update={"psi": 0.05 * number, "state": SignalState.QUIET})
    return made.model_copy(update={"losses": (own, trivial), "drift": (drift, *made.drift[1:])})


@pytest.fixture
def definition(small: dict[str, Any]) -> Definition:
    """The small definition, under the name of the story's model; a person approves."""
    rules = {"cooldown": "2d", "causes": ["decay"]}
    return Definition.model_validate({**small, "name": "bike_demand", "publish": {"approval": "human"}, "retraining": rules})


@pytest.fixture
def doors() -> Doors:
    """Who may come in."""
    return Doors()


@pytest.fixture
def bells() -> Bells:
    """What runs the DAGs."""
    return Bells()


@pytest.fixture
def site_of(definition: Definition, doors: Access, bells: Bells, tmp_path: Any) -> Callable[[PostgresLedger], Site]:
    """Make a site over a ledger."""

    def make(ledger: PostgresLedger) -> Site:
        health = PostgresHealth(ledger.engine.execution_options(isolation_level="AUTOCOMMIT"))
        stores = Stores(
            source=lambda name: pytest.fail(f"no page reads the source {name}"),
            artifacts=MemoryArtifacts(),
            ledger=ledger,
            signing_key=b"0" * 32,
            scratch=tmp_path,
            workshop=InlineWorkshop(),
        )
        return Site(
            health=lambda: health,
            stores=lambda: stores,
            definitions=Files({definition.name: definition}),
            scheduler=bells,
            access=doors,
            now=lambda: NOW,
            lately=timedelta(0),
        )

    return make


@pytest.fixture(scope="module")
def told(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[PostgresLedger]:
    """A ledger with the story, and a second segment, for tests that only look."""
    url = postgres.url(f"web_{request.module.__name__.rpartition('.')[2]}")
    migrate(url)
    ledger = PostgresLedger.open(url)
    tell_story(ledger, Story())
    tell_story(ledger, Story(segment="north"), nights=3)
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """One application for all tests, as putting it together takes as long as ten pages; each test gives it a site of its own."""
    return create_app(object())  # type: ignore[arg-type] # nothing is asked of it before there is a site


@pytest.fixture
def browser(app: FastAPI, told: PostgresLedger, site_of: Callable[[PostgresLedger], Site]) -> Browser:
    """Somebody who looks at the story."""
    app.state.site = site_of(told)
    return Browser(app)


@pytest.fixture
def ledger(postgres_ledger: PostgresLedger) -> PostgresLedger:
    """An empty ledger of the test's own."""
    return postgres_ledger


@pytest.fixture
def tell() -> Callable[[Ledger, str], None]:
    """Record the same words wherever words may stand."""
    return tell_all


@pytest.fixture
def acting(app: FastAPI, ledger: PostgresLedger, site_of: Callable[[PostgresLedger], Site]) -> Browser:
    """Somebody who acts on a ledger of the test's own."""
    app.state.site = site_of(ledger)
    return Browser(app)
