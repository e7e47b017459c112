"""Promise 2 at the system's edge: a write that finds no space, a flush or a rename that fails, leaves the old in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.operations.conftest import Strace, World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

FAULTS = {
    "write": ("ENOSPC", "EIO"),
    "pwrite64": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC"),
    "rename": ("EIO", "ENOSPC"),
    "unlink": ("EIO",),
    "mkdir": ("ENOSPC",),
    "openat": ("ENOSPC",),
    "fchmod": ("EIO",),
    "utimensat": ("EIO",),
}
TOLD = {("RejectedError", "STORE_FULL"), ("UnavailableError", "STORE_UNAVAILABLE")}
LATE = {"score"}
"""When its predictions stand, whole, there is still something to write: what is measured of them."""
SHOTS = {"retrain": 5, "score": 7, "gc": 6}


@pytest.mark.parametrize("operation", SHOTS)
def test_promise_2_a_disk_that_fails_leaves_the_old_champion_and_the_old_predictions(
    world: World,
    strace: Strace,
    some: Callable[[Any, int], list[tuple[str, int, str]]],
    record_property: Callable[[str, object], None],
    operation: str,
) -> None:
    """With ENOSPC and EIO: whoever asked is told by one of our errors, nothing is lost, and on a sound disk it goes on."""
    expected = world.undisturbed(operation)
    points = [(name, number, error) for name, number in strace.points(operation) for error in FAULTS.get(name, ())]
    shots = some(points, SHOTS[operation])
    told = 0
    for name, number, error in shots:
        when = f"{operation}, {error} at {name} number {number}"
        with world.copy() as copy:
            outcome = strace.run(copy, operation, f"--trace={name}", f"--inject={name}:error={error}:when={number}")
            assert outcome.ended == 0, when
            if outcome.error is not None:
                assert tuple(outcome.error) in TOLD, when
                assert expected.done(copy.standing()) in {0, expected.changes if operation in LATE else 0}, when
                told += 1
            assert copy.faults() == [], when
            world.converges(copy, operation, expected, when)
    assert told >= 0.5 * len(shots)  # the others hit what was to be removed anyway
    record_property(f"disk faults of {operation}", f"{len(shots)} of {len(points)}, {told} of them told")
