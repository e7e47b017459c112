"""One look at a snapshot's rows for everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.core.receipts import Finding, Purpose, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality.cardinality import categories, flood
from perennial.quality.check import Expected, check
from perennial.quality.refused import Refused
from perennial.quality.repeats import Repeats
from perennial.quality.rows import Rows
from perennial.quality.scan import Elsewhere, Tally
from perennial.steps.checking.faulty_nights import InNights, faulty_nights
from perennial.steps.checking.night_faults import Faults, NightFaults
from perennial.steps.checking.refused_before import RefusedBefore
from perennial.steps.checking.released import Released


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    Attributes:
        findings: All of it, as it counts after what was released.
        failed: Those of them that are a fault of the whole.
        refused: The rows that are refused for whatever reason.
        released: What was released.
    """

    findings: tuple[Finding, ...]
    failed: tuple[Finding, ...]
    refused: Refused
    released: Released


def look(
    definition: Definition,
    stores: Stores,
    snapshot: Snapshot,
    rows: Rows,
    wanted: Sequence[Expected],
    elsewhere: Elsewhere | None = None,
) -> Seen:
    """Look at *rows* for what the expectations *wanted* say, for keys that stand twice, floods, faulty nights and data faults.

    All of it is done in one pass; another one over single columns where there are sentinels, or where an expectation needs it.

    Args:
        definition: The model.
        stores: Where releases and what is usual lie.
        snapshot: Whose rows.
        rows: The rows, to be read here.
        wanted: The expectations.
        elsewhere: Shows the same rows piece by piece; None where they are read here.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT, of what is usual.
    """
    source = definition.source
    twice = Repeats((*source.entity, source.event_at), rows.num_rows, in_order=True)
    nights = faulty_nights(stores, snapshot) if snapshot.purpose is Purpose.TRAIN else []
    in_nights = InNights(source.event_at, nights)
    released = Released(stores, snapshot, source.event_at)
    before = RefusedBefore(definition, stores, snapshot)
    faults = NightFaults(definition, snapshot, stores, rows, elsewhere)
    counted = {name: categories(name, rows.num_rows) for name in definition.features.categorical}
    beside: list[Tally] = [
        twice,
        *([in_nights] if nights else []),
        *released.tallies,
        *before.tallies,
        *faults.tallies,
        *counted.values(),
    ]
    checked = released.applied(check(rows, wanted, beside=beside, elsewhere=elsewhere))
    found = faults.found()
    floods = (flood(name, values, rows.num_rows) for name, values in counted.items())
    whole = tuple(map(released.told, [*(one for one in floods if one), *found.whole]))
    refused = _refused(checked.refused, released, found)
    refused = refused.and_for("it was refused in its night", before.marks)
    refused = refused.and_for("the same entity and event stand twice", twice.marks)
    return Seen(
        findings=(*checked.findings, *map(released.told, found.rows), *whole, *found.told),
        failed=(*checked.unmet, *(finding for finding in whole if not finding.success)),
        refused=refused.and_for("its night was quarantined", in_nights.marks),
        released=released,
    )


def _refused(refused: Refused, released: Released, found: Faults) -> Refused:
    """Return what is refused if the rows with sentinels are refused as well."""
    for finding, reason, marks in found.refused:
        refused = refused.and_for(reason, released.left(finding.name, marks))
    return refused
