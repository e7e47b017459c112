"""Promise 6: a process that was stopped, and wakes up when another one has taken over, writes not one row."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.operations.conftest import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

SHOTS = {"retrain": 4, "score": 4}
LOST, GONE = ("ConflictError", "LEASE_LOST"), ("UnavailableError", "STORE_UNAVAILABLE")


@pytest.mark.parametrize("operation", SHOTS)
def test_promise_6_a_zombie_writes_nothing_when_it_wakes(
    world: World, some: Callable[[Any, int], list[int]], record_property: Callable[[str, object], None], operation: str
) -> None:
    """Stopped before or after each call of a store; its lease has run out, and another holder has done all the work."""
    points = world.undisturbed(operation).points
    shots = some(range(points.index("after lease") + 1, points.index("before release") + 2), SHOTS[operation])
    last = len(points) - points[::-1].index("before record")  # who has recorded all may find that all is done
    told: list[tuple[str, ...] | None] = []
    for at in shots:
        when = f"{operation}, stopped at point {at}, {points[at - 1]}"
        with world.copy() as copy:
            zombie = world.begin(copy, operation, at=at, signal="SIGSTOP", holder="a zombie", ttl_s=0)
            pid = world.workers.stopped(zombie)
            assert pid is not None, when
            assert world.run(copy, operation, holder="its successor").ended == 0, when
            before = copy.to_the_letter()
            os.kill(pid, signal.SIGCONT)
            outcome = world.workers.ended(zombie)
            assert copy.to_the_letter() == before, when
            assert copy.faults() == [], when
            told.append(tuple(outcome.error) if outcome.error else None)
            assert told[-1] == LOST or (told[-1] is None and at > last), when
    record_property(f"zombies of {operation}", f"{len(shots)}, {len([error for error in told if error])} of them told")


def test_promise_6_a_zombie_in_the_middle_of_a_transaction_keeps_nobody_out(world: World) -> None:
    """Stopped before the commit of its promotion, it has locked its lease; the server soon ends that, and the successor goes on."""
    points = world.undisturbed("retrain", statements=True).points
    at = points.index("commit", points.index("before promote")) + 1
    with world.copy() as copy:
        zombie = world.begin(copy, "retrain", at=at, statements=True, signal="SIGSTOP", holder="a zombie", ttl_s=0)
        pid = world.workers.stopped(zombie)
        assert pid is not None
        assert world.run(copy, "retrain", holder="its successor").ended == 0
        before = copy.to_the_letter()
        os.kill(pid, signal.SIGCONT)
        outcome = world.workers.ended(zombie)
        assert outcome.error is not None
        assert (tuple(outcome.error), copy.to_the_letter() == before, copy.faults()) == (GONE, True, [])
