"""Promises 1, 4, 9 and 17 when a process is killed before or after a call of a store, a statement or a commit: with SIGKILL."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.operations.conftest import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

CALLS = {"retrain": 6, "score": 8, "gc": 8}
STATEMENTS = {"promote": 12, "rollback": 6, "retire": 8, "gc": 8}


@pytest.mark.parametrize("operation", CALLS)
def test_promises_1_4_9_and_17_after_a_kill_at_a_call_of_a_store(
    world: World, some: Callable[[Any, int], list[int]], record_property: Callable[[str, object], None], operation: str
) -> None:
    """What people see is the old or the new, the audit finds nothing, and the operation repeated ends as if nothing had been."""
    found = _killed(world, operation, some, CALLS[operation], statements=False)
    record_property(f"kills of {operation} at calls of a store", found)


@pytest.mark.parametrize("operation", STATEMENTS)
def test_promises_1_4_9_and_17_after_a_kill_at_a_statement(
    world: World, some: Callable[[Any, int], list[int]], record_property: Callable[[str, object], None], operation: str
) -> None:
    """The same before and after each statement, and before each commit."""
    found = _killed(world, operation, some, STATEMENTS[operation], statements=True)
    record_property(f"kills of {operation} at calls, statements and commits", found)


def _killed(world: World, operation: str, some: Callable[[Any, int], list[int]], wanted: int, *, statements: bool) -> str:
    """Kill the operation at some points, and return at how many of them."""
    expected = world.undisturbed(operation, statements=statements)
    shots = some(range(1, len(expected.points) + 1), wanted)
    done = []
    for at in shots:
        when = f"{operation}, killed at point {at}, {expected.points[at - 1]}"
        with world.copy() as copy:
            assert world.run(copy, operation, at=at, statements=statements).ended == -signal.SIGKILL, when
            done.append(expected.done(copy.standing()))
            assert copy.faults() == [], when
            world.converges(copy, operation, expected, when)
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, expected.changes)
    assert expected.changes > 0
    return f"{len(shots)} of {len(expected.points)} points"
