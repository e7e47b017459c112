"""The port ``Health`` over PostgreSQL: every method is one short statement that cannot write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, Engine

from perennial.core.health import Foretold, Night, Sketch, Standing
from perennial.core.interval import Interval
from perennial.core.receipts import Role
from perennial.stores.driver_errors import driver_errors
from perennial.stores.health import entities, losses, nights, standings
from perennial.stores.migrations import open_checked

_WHERE = "ledger"
# A page is read by whoever waits for it: no statement may take longer than a person's patience, and none writes. To compile a plan
# costs more than it saves. As each page's statements need no view in common, each is a transaction of its own, without a BEGIN.
_SETTINGS = "-c statement_timeout=10s -c jit=off -c default_transaction_read_only=on"


@dataclass(frozen=True, slots=True)
class PostgresHealth:
    """Reads the ledger behind an engine."""

    engine: Engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Return a reader of the ledger behind *url*, whose schema is the one of this code.

        Raises:
            DefinitionError: DEFINITION_URL.
            RejectedError: LEDGER_VERSION, STORE_DENIED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        return cls(open_checked(url, where=_WHERE, options=_SETTINGS).execution_options(isolation_level="AUTOCOMMIT"))

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def standings(self) -> list[Standing]:
        """Return how every model and segment stands, by name."""
        with self._reading() as connection:
            return standings.standings(connection)

    def standing(self, model: str, segment: str) -> Standing:
        """Return how one model and segment stands."""
        with self._reading() as connection:
            return standings.standing(connection, model, segment)

    def segments(self, model: str) -> list[str]:
        """Return the segments of *model* that something was recorded of, by name."""
        with self._reading() as connection:
            return standings.segments(connection, model)

    def sketches(self, scopes: Sequence[tuple[str, str]], *, nights: int) -> dict[tuple[str, str], Sketch]:
        """Return a sketch of the newest losses of each model and segment."""
        with self._reading() as connection:
            return losses.sketches(connection, scopes, nights)

    def nights(self, model: str, segment: str, within: Interval) -> list[Night]:
        """Return what was decided and measured of the nights in *within*, by interval."""
        with self._reading() as connection:
            return nights.nights(connection, model, segment, within)

    def decided(self, model: str, segment: str) -> Interval | None:
        """Return the time that decisions were taken about, or None where there is none."""
        with self._reading() as connection:
            return nights.decided(connection, model, segment)

    def foretold(
        self, model: str, segment: str, entity: str, within: Interval, *, role: Role = Role.CHAMPION, most: int = 2000
    ) -> list[Foretold]:
        """Return the current predictions of *entity* with their labels, by event."""
        with self._reading() as connection:
            return entities.foretold(connection, model, segment, entity, within, role=role, most=most)

    def entities(self, model: str, segment: str, beginning: str = "", *, most: int = 20) -> list[str]:
        """Return entities of the newest night that begin so, by name."""
        with self._reading() as connection:
            return entities.entities(connection, model, segment, beginning, most=most)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with driver_errors(_WHERE), self.engine.connect() as connection:
            yield connection
