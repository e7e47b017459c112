"""The rows on which a version is tried before it takes over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import within
from perennial.steps.checking.validated_nights import validated_nights
from perennial.steps.compare import evaluated_rows
from perennial.steps.snapshots.parts import ROWS_PER_GROUP
from perennial.steps.snapshots.rows import Rows, open_rows

_BEFORE_ALL = datetime(1900, 1, 1, tzinfo=UTC)
"""No night was scored before."""


@contextmanager
def tonight(definition: Definition, segment: str, stores: Stores) -> Iterator[tuple[Interval, Rows]]:
    """Lend the rows of the newest night that passes its validation; before there is one, the newest evaluation's holdout.

    A night that was validated again is what the last validation says of it.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM; of a part when it is first read.
        DataError: DATA_EMPTY, there are none.
    """
    night = _newest_night(definition, segment, stores)
    if night is None:
        interval, rows = _holdout(definition, segment, stores)
        yield interval, rows
        return
    with open_rows(definition, stores, stores.ledger.get(Snapshot, night.snapshot), night) as rows:
        yield night.interval, rows


def _newest_night(definition: Definition, segment: str, stores: Stores) -> Validation | None:
    nights = validated_nights(stores, definition.name, segment, _BEFORE_ALL)
    good = (row for row in reversed(nights) if row.verdict is Verdict.PASS and row.rows > row.quarantined)
    return next(good, None)


def _holdout(definition: Definition, segment: str, stores: Stores) -> tuple[Interval, Rows]:
    newest = stores.ledger.history(Evaluation, definition.name, segment, newest=1)
    if not newest:
        raise DataError(Code.DATA_EMPTY, "nothing was scored or evaluated yet", where=definition.name)
    rows = within(evaluated_rows(definition, stores, newest[0]), definition, newest[0].holdout)
    if rows.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no row in {newest[0].holdout}", where=definition.name)
    return newest[0].holdout, Rows(rows.schema, rows.num_rows, lambda names: iter(rows.select(names).to_batches(ROWS_PER_GROUP)))
