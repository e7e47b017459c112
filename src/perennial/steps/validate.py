"""validate: what the definition expects of a snapshot's rows, and the rows that are refused."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Finding, Purpose, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality import catalog
from perennial.quality.findings import Checked
from perennial.quality.great_expectations_check import check
from perennial.steps.arrays import microseconds, moments
from perennial.steps.rows import POSITION, snapshot_rows

Reasons = dict[int, tuple[str, ...]]
REASONS = "_reasons"
LONGEST_NIGHT = timedelta(days=366)
"""A night that covers the first rows of a window may have begun so much earlier."""
OWN = "quality."


def validate(definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot) -> Validation:
    """Check a snapshot, put the refused rows into quarantine beside their reasons, and give a verdict.

    A night fails when it has no rows, or too few; when an expectation about the whole table fails; or when more rows were refused
    than the definition tolerates. A training window loses its refused rows, those of quarantined nights among them, and fails when
    more than ``quality.tolerated_training`` of them are gone.

    Raises:
        DataError: DATA_UNCHECKED, no expectation applies to this snapshot.
    """
    rows = snapshot_rows(definition, stores, snapshot)
    checked = _check(definition, snapshot, rows)
    reasons = _refused(definition, interval, stores, snapshot, rows, checked)
    own = _own_findings(definition, snapshot, rows.num_rows, reasons)
    findings = (*checked.findings, *own)
    failed = [*checked.unmet, *(finding for finding in own if not finding.success)]
    content = {
        "snapshot": snapshot.digest,
        "findings": [finding.model_dump(mode="json") for finding in findings],
        "refused": sorted((position, list(why)) for position, why in reasons.items()),
    }
    validation = Validation(
        id=digest_json(content)[:32],
        model=definition.name,
        segment=snapshot.segment,
        interval=interval,
        snapshot=snapshot.digest,
        purpose=snapshot.purpose,
        as_of=snapshot.as_of,
        verdict=Verdict.FAIL if failed else Verdict.PASS,
        rows=rows.num_rows,
        quarantined=len(reasons),
        quarantine=_quarantine(stores, rows, reasons),
        findings=findings,
    )
    return stores.ledger.record(validation)


def _check(definition: Definition, snapshot: Snapshot, rows: pa.Table) -> Checked:
    unlabelled = snapshot.purpose is Purpose.SCORE
    wanted = [
        (item.type, item.arguments)
        for item in definition.expectations
        if item.on in ("both", snapshot.purpose.value)
        and not (unlabelled and definition.label.column in catalog.columns(item.type, item.arguments))
    ]
    if not wanted:
        where = f"{definition.name} {snapshot.purpose}"
        raise DataError(Code.DATA_UNCHECKED, "no expectation applies, so nothing would be checked", where=where)
    return check(rows, wanted)


def _refused(
    definition: Definition, interval: Interval, stores: Stores, snapshot: Snapshot, rows: pa.Table, checked: Checked
) -> Reasons:
    reasons: dict[int, list[str]] = {row["row"]: list(row["reasons"]) for row in checked.refused.to_pylist()}
    for position in _duplicates(definition, rows):
        reasons.setdefault(position, []).append("the same entity and event stand twice")
    if snapshot.purpose is Purpose.TRAIN:
        for position in _of_faulty_nights(definition, interval, stores, snapshot, rows):
            reasons.setdefault(position, []).append("its night was quarantined")
    return {position: tuple(dict.fromkeys(why)) for position, why in sorted(reasons.items())}


def _duplicates(definition: Definition, rows: pa.Table) -> list[int]:
    keys = [*definition.source.entity, definition.source.event_at]
    numbered = rows.select(keys).append_column(POSITION, pa.array(np.arange(rows.num_rows)))
    counts = numbered.group_by(keys).aggregate([(POSITION, "count"), (POSITION, "list")])
    several = counts.filter(pc.greater(counts.column(f"{POSITION}_count"), 1))
    return [position for group in several.column(f"{POSITION}_list").to_pylist() for position in group]


def _of_faulty_nights(definition: Definition, interval: Interval, stores: Stores, snapshot: Snapshot, rows: pa.Table) -> list[int]:
    """Return the rows of nights whose last verdict, of those with a cut-off up to the snapshot's, is not a pass."""
    begun = Interval(interval.start - LONGEST_NIGHT, interval.end)
    verdicts = {
        night.interval: night.verdict
        for night in stores.ledger.history(Validation, definition.name, snapshot.segment, within=begun)
        if night.purpose is Purpose.SCORE and night.as_of <= snapshot.as_of
    }
    at = moments(rows, definition)
    faulty = np.zeros(rows.num_rows, dtype=bool)
    for night, verdict in verdicts.items():
        if verdict is not Verdict.PASS:
            faulty |= (at >= microseconds(night.start)) & (at < microseconds(night.end))
    return [int(position) for position in np.flatnonzero(faulty)]


def _own_findings(definition: Definition, snapshot: Snapshot, rows: int, reasons: Reasons) -> tuple[Finding, ...]:
    quality = definition.quality
    scoring = snapshot.purpose is Purpose.SCORE
    least = quality.minimum_rows if scoring else 1
    tolerated = quality.tolerated if scoring else quality.tolerated_training
    refused = len(reasons) / rows if rows else 0.0
    return (
        Finding(
            expectation=f"{OWN}minimum_rows",
            success=rows >= least,
            rows=rows,
            unexpected=0,
            sentence=f"{rows} rows, at least {least} needed",
        ),
        Finding(
            expectation=f"{OWN}tolerated",
            success=refused <= tolerated,
            rows=rows,
            unexpected=len(reasons),
            sentence=f"{len(reasons)} of {rows} rows refused, {tolerated:.0%} tolerated",
        ),
    )


def _quarantine(stores: Stores, rows: pa.Table, reasons: Reasons) -> str | None:
    """Keep the refused rows, each with its position in the snapshot and its reasons, and return the artifact's digest."""
    if not reasons:
        return None
    positions = pa.array(list(reasons), pa.int64())
    refused = rows.take(positions).append_column(POSITION, positions)
    refused = refused.append_column(REASONS, pa.array(["; ".join(why) for why in reasons.values()], pa.string()))
    buffer = io.BytesIO()
    pq.write_table(refused, buffer, compression="zstd")
    return stores.artifacts.put(buffer.getvalue())
