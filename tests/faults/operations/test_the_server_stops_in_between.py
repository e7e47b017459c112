"""Promises 1, 4, 9 and 17 when PostgreSQL is stopped at once in the middle of a retraining and of a promotion."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import Server, Workers
    from tests.faults.operations.conftest import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

STOPS = {"retrain": 6, "promote": 14}


@pytest.fixture(scope="module")
def stoppable(server: Server, world: World, workers: Workers, small: dict[str, Any]) -> Iterator[World]:
    """The world on a server that may be stopped."""

    def _url(name: str) -> str:
        return server.running.url(name)  # of the server as it runs by then

    with TemporaryDirectory(prefix="perennial-") as folder:
        yield type(world)(workers, small, Path(folder), lambda: server.connect("postgres"), _url)


@pytest.mark.parametrize("operation", STOPS)
def test_promises_1_4_9_and_17_after_a_stop_of_the_server(
    server: Server,
    stoppable: World,
    some: Callable[[Any, int], list[int]],
    record_property: Callable[[str, object], None],
    operation: str,
) -> None:
    """Between calls of a retraining; between the statements of a promotion. Whoever works is told that the store is away."""
    statements = operation == "promote"
    expected = stoppable.undisturbed(operation, statements=statements)
    shots = some(range(1, len(expected.points) + 1), STOPS[operation])
    told, done = [], []
    for at in shots:
        when = f"{operation}, the server stopped at point {at}, {expected.points[at - 1]}"
        with stoppable.copy() as copy:
            task = stoppable.begin(copy, operation, at=at, signal="SIGSTOP", statements=statements)
            pid = stoppable.workers.stopped(task)
            assert pid is not None, when
            server.stop_at_once()
            os.kill(pid, signal.SIGCONT)
            told.append(stoppable.workers.ended(task).error)
            server.start()
            done.append(expected.done(copy.standing()))
            assert copy.faults() == [], when
            stoppable.converges(copy, operation, expected, when)
    assert {tuple(error) for error in told if error is not None} == {("UnavailableError", "STORE_UNAVAILABLE")}
    assert told == sorted(told, key=lambda error: error is None)  # told so, as long as anything was left to do
    assert (done, done[0], done[-1]) == (sorted(done), 0, expected.changes)
    record_property(f"immediate stops in the middle of {operation}", f"{len(shots)} of {len(expected.points)} points")
