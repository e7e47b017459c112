"""What the tests of a source ask it for."""

from __future__ import annotations

from perennial.ports import Selection
from perennial.testing.story import DAY, FIRST_DAY, night


def selection(relation: str, *values: str) -> Selection:
    """Select *values* of the first day, by ``place`` and ``event_at``, as they were known nine days after its start.

    Examples:
        >>> selection("demand", "riders").columns
        ('place', 'event_at', 'riders')
    """
    return Selection(
        relation=relation,
        columns=("place", "event_at", *values),
        entity=("place",),
        event_at="event_at",
        available_at=None,
        interval=night(0),
        as_of=FIRST_DAY + 9 * DAY,
    )
