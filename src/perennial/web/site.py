"""All that the pages may reach, and what others have to bring for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from perennial.core.health import Foretold, Night, Sketch, Standing
from perennial.core.interval import Interval
from perennial.core.receipts import Role
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.web.access import Access, Person
from perennial.web.kept import Kept
from perennial.web.lately import Lately
from perennial.web.views.night import NightView
from perennial.web.views.timeline import Timeline
from perennial.web.views.versions import VersionRow


class Health(Protocol):
    """Reads of the ledger what pages show. Nothing is ever written by it."""

    def standings(self) -> list[Standing]:
        """Return how every model and segment stands, by name."""
        ...

    def standing(self, model: str, segment: str) -> Standing:
        """Return how one model and segment stands; nothing but its name where nothing was recorded of it."""
        ...

    def segments(self, model: str) -> list[str]:
        """Return the segments of *model* that something was recorded of, by name."""
        ...

    def sketches(self, scopes: Sequence[tuple[str, str]], *, nights: int) -> Mapping[tuple[str, str], Sketch]:
        """Return a sketch of the newest losses of each model and segment; a night may be missing."""
        ...

    def nights(self, model: str, segment: str, within: Interval) -> list[Night]:
        """Return the nights that start in *within* and were decided or measured, by interval."""
        ...

    def decided(self, model: str, segment: str) -> Interval | None:
        """Return the time that decisions were taken about, or None where there is none."""
        ...

    def foretold(
        self, model: str, segment: str, entity: str, within: Interval, *, role: Role = Role.CHAMPION, most: int = 2000
    ) -> list[Foretold]:
        """Return the current predictions of *entity* in *within* with their newest labels, by event."""
        ...

    def entities(self, model: str, segment: str, beginning: str = "", *, most: int = 20) -> list[str]:
        """Return entities of the newest night whose names begin so, by name."""
        ...


@dataclass(frozen=True, slots=True)
class Flow:
    """How the scheduler holds one DAG: whether it is paused, and when it runs next."""

    paused: bool
    next_run: datetime | None


class Scheduler(Protocol):
    """What runs the two DAGs of a model."""

    def flows(self, dags: Collection[str]) -> Mapping[str, Flow]:
        """Return how each of *dags* is held; one that the scheduler does not know is left out."""
        ...

    def runs(self, dag: str, *, newest: int) -> Sequence[tuple[str, str, datetime | None]]:
        """Return the newest runs of *dag*: id, state and when it was due, newest first."""
        ...

    def run_of(self, dag: str, night: Interval) -> str | None:
        """Return the id of the newest run of *dag* with this data interval, or None."""
        ...

    def ring(self, dag: str, run: str, conf: Mapping[str, object], *, person: Person) -> None:
        """Start a run of *dag* with this id; nothing where there is one.

        Raises:
            RejectedError: AIRFLOW_REFUSED.
        """
        ...

    def answer(self, dag: str, run: str, challenger: str, *, approve: bool, person: Person, reason: str) -> bool:
        """Answer the task of *run* that asks a person about *challenger*, and return whether there is one.

        Raises:
            RejectedError: AIRFLOW_REFUSED, somebody else is to answer.
        """
        ...

    def pause(self, dag: str, *, paused: bool, person: Person) -> None:
        """Let no further run of *dag* start, or let them start again.

        Raises:
            RejectedError: AIRFLOW_REFUSED, there is no such DAG.
        """
        ...


class Definitions(Protocol):
    """The definitions as they stand at the moment."""

    def names(self) -> list[str]:
        """Return the names that files have, good and broken ones."""
        ...

    def get(self, model: str) -> Definition | None:
        """Return the definition of *model*; None where there is none, or it is broken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All that a page may reach.

    Attributes:
        health: Reads the ledger.
        stores: Returns the stores, for what a person does and for what lies in artifacts.
        definitions: The definitions.
        scheduler: What runs the DAGs.
        access: Who asks, and what they may.
        now: Returns the present moment.
        hosts: Where the pages are served, beside what a request itself says: ``host`` or ``host:port``.
        kept: What was worked out before of content that never changes.
        plots: Plots of nights that were drawn before, by all that is drawn; few, because they are large.
        lately: How old the list of all models, and the nights and versions of one, may be that a page shows, or what is told of a
            night; many people look at them at once.
        standings: That list.
        timelines: Those nights.
        versions: Those versions.
        told: What is told of a night.
    """

    health: Callable[[], Health]
    stores: Callable[[], Stores]
    definitions: Definitions
    scheduler: Scheduler
    access: Access
    now: Callable[[], datetime]
    hosts: frozenset[str] = frozenset()
    kept: Kept = field(default_factory=Kept)
    plots: Kept = field(default_factory=lambda: Kept(24))
    lately: timedelta = timedelta(seconds=2)
    standings: Lately[list[Standing]] = field(default_factory=Lately)
    timelines: Lately[Timeline] = field(default_factory=Lately)
    versions: Lately[list[VersionRow]] = field(default_factory=Lately)
    told: Lately[NightView] = field(default_factory=Lately)
