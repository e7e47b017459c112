"""The reference of a training: what its rows were like, night by night."""

from __future__ import annotations

import pyarrow as pa

from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.steps.scored_nights import nights_a_day, reference_nights

SHORT_NIGHTS = 1_008
"""So many nights shorter than a day a reference has at most: six weeks of hours."""


def trained_reference(definition: Definition, rows: pa.Table) -> Reference:
    """Count the *rows* of a training by night; where days have several, the newest alone: a year of hours would fill the memory.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    features, nights, a_day = definition.features, reference_nights(definition, rows), nights_a_day(definition)
    if a_day > 1 and nights.size:
        newest = nights > nights.max() - SHORT_NIGHTS
        rows, nights = rows.filter(pa.array(newest)), nights[newest]
    return reference_profile(
        rows,
        numeric=features.numeric,
        categorical=features.categorical,
        watched=definition.monitoring.columns,
        event_at=definition.source.event_at,
        timezone=definition.schedule.timezone,
        nights=nights,
        nights_a_day=a_day,
    )
