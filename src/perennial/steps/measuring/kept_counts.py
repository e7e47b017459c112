"""What *predict* counted of a night, where *monitor* can still use it."""

from __future__ import annotations

from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Stores
from perennial.steps.unless_lost import unless_lost


def kept_counts(stores: Stores, counts: str | None, reference: Reference) -> Profile | None:
    """Return the *counts*, where they are over the edges of *reference* and still there.

    No row names them before the measurement does, so they may have been collected.
    """
    found = None if counts is None else unless_lost(lambda: Profile.from_json(stores.artifacts.get(counts)))
    return found if found is not None and found.edges == reference.edges.digest else None
