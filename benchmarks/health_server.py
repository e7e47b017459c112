"""Serves the pages of model health to everybody on this machine, for the benchmark; prints its port."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import uvicorn

from perennial import wiring
from perennial.core.interval import Interval
from perennial.web.access import Deed, Person, Request
from perennial.web.app import create_app
from perennial.web.known import Known
from perennial.web.site import Flow, Site


class Everybody:
    """Lets everybody in."""

    async def person(self, request: Request) -> Person:
        """Return the same person for all."""
        return Person("somebody")

    def may(self, person: Person, deed: Deed, model: str) -> bool:
        """Allow it."""
        return True

    def readable(self, person: Person, models: Collection[str]) -> set[str]:
        """Allow all."""
        return set(models)


class Nothing:
    """Runs nothing."""

    def flows(self, dags: Collection[str]) -> Mapping[str, Flow]:
        """Return all as running."""
        return {dag: Flow(paused=False, next_run=datetime(2026, 1, 1, tzinfo=UTC)) for dag in dags}

    def runs(self, dag: str, *, newest: int) -> Sequence[tuple[str, str, datetime | None]]:
        """Return none."""
        return ()

    def run_of(self, dag: str, night: Interval) -> str | None:
        """Return none."""
        return None

    def ring(self, dag: str, run: str, conf: Mapping[str, object], *, person: Person) -> None:
        """Do nothing."""

    def answer(self, dag: str, run: str, challenger: str, *, approve: bool, person: Person, reason: str) -> bool:
        """Do nothing."""
        return False

    def pause(self, dag: str, *, paused: bool, person: Person) -> None:
        """Do nothing."""


def main() -> None:
    """Serve until told to end."""
    with wiring.open_stores() as stores, wiring.open_health() as health, socket.create_server(("127.0.0.1", 0)) as listening:
        site = Site(
            health=lambda: health,
            stores=lambda: stores,
            definitions=Known(wiring.definitions_folder()),
            scheduler=Nothing(),
            access=Everybody(),
            now=wiring.now,
        )
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(create_app(site), log_level="warning", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
