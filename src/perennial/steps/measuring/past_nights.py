"""The nights that a model has been through, as counts beside the reference of the champion of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.core.receipts import Measurement, ModelVersion
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.monitoring.shift.settings_tried import Against, Nights
from perennial.steps.measuring.watched import watched_reference
from perennial.steps.scored_nights import night_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perennial.core.interval import Interval
    from perennial.definition.models import Definition
    from perennial.ports import Stores

NEWEST = 366
"""At most so many nights are looked at, the newest."""


@dataclass(frozen=True, slots=True)
class Reign:
    """The nights of one champion.

    Attributes:
        version: The champion.
        reference: What it was trained on.
        against: The same as counts, of the nights with enough rows.
        nights: The nights it predicted that have enough rows.
    """

    version: ModelVersion
    reference: Reference
    against: Against
    nights: Nights


def standing_measurements(definition: Definition, segment: str, stores: Stores) -> list[Measurement]:
    """Return what was measured last of each of the newest nights that were measured, oldest first."""
    found = {row.interval: row for row in stores.ledger.history(Measurement, definition.name, segment, newest=2 * NEWEST)}
    return list(found.values())[-NEWEST:]


def reigns(definition: Definition, stores: Stores, measurements: Sequence[Measurement]) -> list[Reign]:
    """Return the nights by champion, oldest champion first. A night that was counted over other edges is left out.

    So is one whose place among the nights of the reference is not known.

    Raises:
        ArtifactError: Counts or a reference are lost, or not what was stored.
    """
    counted: dict[str, list[tuple[Interval, str]]] = {}
    for row in measurements:
        if row.version is not None and row.profile is not None:
            counted.setdefault(row.version, []).append((row.interval, row.profile))
    found = (_reign(definition, stores, version, nights) for version, nights in counted.items())
    return [reign for reign in found if len(reign.nights.days)]


def _reign(definition: Definition, stores: Stores, version: str, counted: Sequence[tuple[Interval, str]]) -> Reign:
    made = stores.ledger.get(ModelVersion, version)
    reference = watched_reference(definition, stores, made)
    all_edges = Reference.from_json(stores.artifacts.get(made.profile)).edges.digest
    numbers = ((night_number(definition, night, reference.nights_a_day), digest) for night, digest in counted)
    profiles = ((number, Profile.from_json(stores.artifacts.get(digest))) for number, digest in numbers if number is not None)
    known = (reference.edges.digest, all_edges)
    nights = [(number, profile.over(reference.edges)) for number, profile in profiles if profile.edges in known]
    least = max(definition.monitoring.minimum_rows, 2)
    before = [
        (number, profile) for number, profile in reference.nights.items() if profile.rows >= definition.monitoring.minimum_rows
    ]
    totals = {name: np.array(counts, dtype=np.int64) for name, counts in reference.total.counts.items()}
    return Reign(
        version=made,
        reference=reference,
        against=Against(_nights(reference, before), totals, reference.nights_a_day),
        nights=_nights(reference, [(number, profile) for number, profile in nights if profile.rows >= least]),
    )


def _nights(reference: Reference, nights: Sequence[tuple[int, Profile]]) -> Nights:
    """Return the *nights*, each by its number, as arrays."""
    counts: Mapping[str, np.ndarray] = {
        edges.name: np.array([profile.counts[edges.name] for _, profile in nights], np.int64).reshape(len(nights), edges.bins)
        for edges in reference.edges.columns
    }
    return Nights(np.array([number for number, _ in nights], dtype=np.int64), counts)
