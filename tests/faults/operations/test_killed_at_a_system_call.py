"""Promises 1, 4, 9 and 17 when a process is killed as it enters a system call that would change anything outside of it."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.operations.conftest import Strace, World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

SHOTS = {"retrain": 5, "score": 7, "promote": 6, "gc": 6}


@pytest.mark.parametrize("operation", SHOTS)
def test_promises_1_4_9_and_17_after_a_kill_at_a_system_call(
    world: World,
    strace: Strace,
    some: Callable[[Any, int], list[tuple[str, int]]],
    record_property: Callable[[str, object], None],
    operation: str,
) -> None:
    """At the N-th write, fsync, rename, send and so on: the old or the new, whole, and the operation repeated ends it."""
    expected, points = world.undisturbed(operation), strace.points(operation)
    shots = some(points, SHOTS[operation])
    killed = 0
    for name, number in shots:
        when = f"{operation}, killed at {name} number {number}"
        with world.copy() as copy:
            ended = strace.run(copy, operation, f"--trace={name}", f"--inject={name}:signal=KILL:when={number}").ended
            assert ended in {0, -signal.SIGKILL}, when
            killed += ended == -signal.SIGKILL
            expected.done(copy.standing())
            assert copy.faults() == [], when
            world.converges(copy, operation, expected, when)
    assert killed >= 0.9 * len(shots) - 1  # how often a process opens or writes is not the same each time
    kinds = ", ".join(f"{name} {times}" for name, times in sorted(Counter(name for name, _ in points).items()))
    record_property(f"kills of {operation} at system calls", f"{killed}, of {len(points)} points ({kinds})")
