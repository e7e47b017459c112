"""validate: what the definition expects of a snapshot's rows, and the rows that are refused."""

from __future__ import annotations

import logging

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Finding, Purpose, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality import catalog
from perennial.quality.check import Expected
from perennial.quality.refused import Refused
from perennial.steps.checking.look import look
from perennial.steps.checking.pieces import elsewhere_of
from perennial.steps.checking.usual_nights import usual_nights
from perennial.steps.kept import kept
from perennial.steps.quarantine import quarantine
from perennial.steps.snapshots.labels import unlabelled
from perennial.steps.snapshots.rows import Rows, open_rows

OWN = "quality."
LABELS = f"{OWN}labels"
"""What the finding is called that says how many rows have no label."""

_log = logging.getLogger(__name__)


def validate(definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot) -> Validation:
    """Check a snapshot, put the refused rows into quarantine beside their reasons, and give a verdict.

    A night fails when it has no rows, or too few; when an expectation about the whole table fails; when a categorical feature is
    flooded with different values; when it is no night like those that its champion learnt of (``quality.faults``); or when more
    rows were refused than the definition tolerates. What a person has released no longer counts. A training window loses its
    refused rows, those of quarantined nights among them, and fails when more than ``quality.tolerated_training`` of them are gone.
    Rows whose label is empty are no fault, unless an expectation says so: they are counted, and left out of the training.

    A night that fails has its predictions from before, when nobody knew, withdrawn: nobody shall read what came from bad rows. They
    stay in the ledger, and *predict* makes them current again where the night passes again as it was.

    The rows are read once, batch by batch; once more where some are refused; and where uniqueness or a median needs it. Where the
    settings name an engine, those of a night are read piece by piece there, but for the refused ones, which are kept from here.

    Raises:
        DataError: DATA_UNCHECKED, no expectation applies to this snapshot.
    """
    wanted = expected(definition, snapshot.purpose)
    with open_rows(definition, stores, snapshot) as rows:
        seen = look(definition, stores, snapshot, rows, wanted, elsewhere_of(stores, snapshot))
        stored = quarantine(rows, seen.refused, stores)
        count = rows.num_rows
        empty = _unlabelled(definition, rows, seen.refused) if snapshot.purpose is Purpose.TRAIN else 0
    own = tuple(map(seen.released.told, _own_findings(definition, snapshot.purpose, count, len(seen.refused))))
    own = (*own, _labels_finding(count, empty)) if empty else own
    failed = [*seen.failed, *(finding for finding in own if not finding.success)]
    validation = Validation(
        id="",
        model=definition.name,
        segment=snapshot.segment,
        interval=interval,
        snapshot=snapshot.digest,
        purpose=snapshot.purpose,
        as_of=snapshot.as_of,
        verdict=Verdict.FAIL if failed else Verdict.PASS,
        rows=count,
        quarantined=len(seen.refused),
        quarantine=stored,
        findings=(*seen.findings, *own),
        usual=None if failed else usual_nights(definition, stores, snapshot),
        release=seen.released.id,
    )
    content = validation.model_dump(mode="json", include={"snapshot", "findings", "quarantine", "usual", "release"})
    if failed and snapshot.purpose is Purpose.SCORE:
        _withdraw(stores, snapshot)  # first: bad rows that are known must at no moment have current predictions
    return stores.ledger.record(validation.model_copy(update={"id": digest_json(content)[:32]}))


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


def _withdraw(stores: Stores, snapshot: Snapshot) -> None:
    batches = stores.ledger.withdraw(snapshot.model, snapshot.segment, within=snapshot.interval)
    if batches:
        _log.warning("%s %s: a data fault; what was published of it is withdrawn (%d)", snapshot.model, snapshot.interval, batches)


def _unlabelled(definition: Definition, rows: Rows, refused: Refused) -> int:
    """Return how many of the *rows* that are not *refused* have an empty label."""
    left = kept(rows.batches([definition.label.column]), refused.mask)
    return sum(unlabelled(batch, definition).true_count for batch in left)


def _labels_finding(rows: int, empty: int) -> Finding:
    return Finding(
        expectation=LABELS,
        success=True,
        rows=rows,
        unexpected=empty,
        sentence=f"{empty} of {rows} rows have no label yet and are left out",
    )


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
