"""What a night shows, measured by what is known of it now and without deciding anything; and the same counts by its database."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Measurement, ModelVersion, Receipt, Validation
from perennial.monitoring.counting.profile import profile
from perennial.ports import Profiling
from perennial.steps.extract import row_selection
from perennial.steps.measuring.measure_again import measure_again
from perennial.steps.measuring.watched import watched_reference
from perennial.steps.release import last_validation
from perennial.steps.snapshots.parts import parts_of
from perennial.steps.snapshots.stored_rows import StoredRows

if TYPE_CHECKING:
    from perennial.core.interval import Interval
    from perennial.definition.models import Definition
    from perennial.ports import Stores


class Agreement(Receipt):
    """Whether the database counts what the night's snapshot holds, before anything was refused of it.

    *columns* are those whose counts differ, each with in how many rows at most.
    """

    rows: int
    extracted: int
    columns: dict[str, int]

    @property
    def agrees(self) -> bool:
        """Whether both are the same."""
        return self.rows == self.extracted and not self.columns


def measured_night(definition: Definition, night: Interval | None, segment: str, stores: Stores) -> Measurement:
    """Measure *night*, or the newest one that was measured, as of its own cut-off. Nothing is decided, and no source is read.

    Where nothing changed since, that is the measurement that stands; else the new one is recorded beside it, as *monitor* does.

    Raises:
        RejectedError: MODEL_UNKNOWN, the night was not validated, or none was measured yet.
    """
    if night is None:
        newest = stores.ledger.history(Measurement, definition.name, segment, newest=1)
        if not newest:
            raise RejectedError(Code.MODEL_UNKNOWN, "no night was measured yet", where=definition.name)
        night = newest[-1].interval
    return measure_again(definition, night, stores, last_validation(definition, night, segment, stores))


def agreement(definition: Definition, measurement: Measurement, stores: Stores) -> Agreement:
    """Have the source's database count the night as it is there now, and hold that against the rows that were extracted then.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
        RejectedError: STORE_REJECTED, the source is no database; MODEL_UNKNOWN, the night has no champion.
        UnavailableError: STORE_UNAVAILABLE.
    """
    where = f"{definition.name} {measurement.interval}"
    source = stores.source(definition.source.connection)
    if not isinstance(source, Profiling):
        raise RejectedError(Code.STORE_REJECTED, "must lie in a database to be counted there, these are files", where=where)
    if measurement.version is None:
        raise RejectedError(Code.MODEL_UNKNOWN, "there is no champion whose edges could be counted over", where=where)
    edges = watched_reference(definition, stores, stores.ledger.get(ModelVersion, measurement.version)).edges
    wanted = row_selection(definition, measurement.interval, as_of=measurement.as_of, segment=measurement.segment)
    there = source.profile(wanted, edges)
    snapshot = stores.ledger.get(Validation, measurement.validation).snapshot
    with ExitStack() as lent:
        rows = StoredRows(stores.artifacts, lent, parts_of(stores.artifacts, snapshot).rows)
        here = profile(edges, rows.batches(list(edges.reads)))
    apart = {name: _apart(there.counts[name], here.counts[name]) for name in edges.names}
    return Agreement(rows=there.rows, extracted=here.rows, columns={name: rows for name, rows in apart.items() if rows})


def _apart(there: tuple[int, ...], here: tuple[int, ...]) -> int:
    """Return how many rows more some bins have on the one side or the other."""
    differences = [a - b for a, b in zip(there, here, strict=True)]
    return max(sum(one for one in differences if one > 0), -sum(one for one in differences if one < 0))
