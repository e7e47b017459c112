"""validate: what the definition expects of a snapshot's rows, and the rows that are refused."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Finding, Purpose, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality import catalog
from perennial.quality.cardinality import categories, flood
from perennial.quality.check import Expected, check
from perennial.quality.findings import Checked
from perennial.quality.refused import Refused
from perennial.quality.repeats import Repeats
from perennial.quality.rows import Rows
from perennial.steps.faulty_nights import InNights, faulty_nights
from perennial.steps.quarantine import quarantine
from perennial.steps.snapshots.rows import open_rows

OWN = "quality."


def validate(definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot) -> Validation:
    """Check a snapshot, put the refused rows into quarantine beside their reasons, and give a verdict.

    A night fails when it has no rows, or too few; when an expectation about the whole table fails; when a categorical feature is
    flooded with different values; or when more rows were refused than the definition tolerates. A training window loses its refused
    rows, those of quarantined nights among them, and fails when more than ``quality.tolerated_training`` of them are gone.

    The rows are read once, batch by batch; once more where some are refused; and where uniqueness or a median needs it.

    Raises:
        DataError: DATA_UNCHECKED, no expectation applies to this snapshot.
    """
    wanted = expected(definition, snapshot.purpose)
    with open_rows(definition, stores, snapshot) as rows:
        checked, refused, floods = _look(definition, stores, snapshot, rows, wanted)
        kept = quarantine(rows, refused, stores)
        count = rows.num_rows
    own = (*floods, *_own_findings(definition, snapshot.purpose, count, len(refused)))
    findings = (*checked.findings, *own)
    failed = [*checked.unmet, *(finding for finding in own if not finding.success)]
    content = {"snapshot": snapshot.digest, "findings": [item.model_dump(mode="json") for item in findings], "quarantine": kept}
    validation = Validation(
        id=digest_json(content)[:32],
        model=definition.name,
        segment=snapshot.segment,
        interval=interval,
        snapshot=snapshot.digest,
        purpose=snapshot.purpose,
        as_of=snapshot.as_of,
        verdict=Verdict.FAIL if failed else Verdict.PASS,
        rows=count,
        quarantined=len(refused),
        quarantine=kept,
        findings=findings,
    )
    return stores.ledger.record(validation)


def expected(definition: Definition, purpose: Purpose) -> list[Expected]:
    """Return the expectations that apply to a snapshot of a purpose, in the definition's order.

    Raises:
        DataError: DATA_UNCHECKED, there is none.
    """
    unlabelled = purpose is Purpose.SCORE
    wanted: list[Expected] = [
        (item.type, item.arguments)
        for item in definition.expectations
        if item.on in ("both", purpose.value)
        and not (unlabelled and definition.label.column in catalog.columns(item.type, item.arguments))
    ]
    if not wanted:
        where = f"{definition.name} {purpose}"
        raise DataError(Code.DATA_UNCHECKED, "no expectation applies, so nothing would be checked", where=where)
    return wanted


def _look(
    definition: Definition, stores: Stores, snapshot: Snapshot, rows: Rows, wanted: list[Expected]
) -> tuple[Checked, Refused, tuple[Finding, ...]]:
    """Return what the expectations found, the rows refused for whatever reason, and the floods, all of it in one pass."""
    source = definition.source
    twice = Repeats((*source.entity, source.event_at), rows.num_rows, in_order=True)
    nights = faulty_nights(stores, snapshot) if snapshot.purpose is Purpose.TRAIN else []
    in_nights = InNights(source.event_at, nights)
    counted = {name: categories(name, rows.num_rows) for name in definition.features.categorical}
    checked = check(rows, wanted, beside=[twice, *([in_nights] if nights else []), *counted.values()])
    refused = checked.refused.and_for("the same entity and event stand twice", twice.marks)
    refused = refused.and_for("its night was quarantined", in_nights.marks)
    floods = (flood(name, found, rows.num_rows) for name, found in counted.items())
    return checked, refused, tuple(found for found in floods if found)


def _own_findings(definition: Definition, purpose: Purpose, rows: int, refused: int) -> tuple[Finding, ...]:
    quality = definition.quality
    scoring = purpose is Purpose.SCORE
    least = quality.minimum_rows if scoring else 1
    tolerated = quality.tolerated if scoring else quality.tolerated_training
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
            success=(refused / rows if rows else 0.0) <= tolerated,
            rows=rows,
            unexpected=refused,
            sentence=f"{refused} of {rows} rows refused, {tolerated:.0%} tolerated",
        ),
    )
