"""The ledger in PostgreSQL.

Every method is one transaction, but for *publish*, which is two, and each month of predictions that is made or dropped on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self, TypeVar

import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    ALL,
    Audit,
    Lineage,
    Named,
    NightLoss,
    PredictionBatch,
    Promotion,
    Receipt,
    RequestState,
    RetrainRequest,
    Role,
)
from perennial.ports import ABANDONED_AFTER
from perennial.stores.database import LOCK_TIMEOUT_S
from perennial.stores.driver_errors import driver_errors
from perennial.stores.ledger import audit as auditing
from perennial.stores.ledger import batches, expiry, leases, lineage, months, promotions, receipts, requests
from perennial.stores.ledger import outcomes as labels
from perennial.stores.ledger import slice_losses as slices
from perennial.stores.ledger.known_outcomes import read_outcomes
from perennial.stores.ledger.one_moment import one_moment
from perennial.stores.ledger.side_by_side import stage_side_by_side
from perennial.stores.migrations import open_checked

R = TypeVar("R", bound=Receipt)
_WHERE = "ledger"
_ATTEMPTS = 3
_LOCK_TIMEOUT = text(f"SELECT set_config('lock_timeout', '{LOCK_TIMEOUT_S}s', true)")


@dataclass(frozen=True, slots=True)
class PostgresLedger:
    """The port ``Ledger`` over an engine. *fences* are the leases that every write checks in its own transaction."""

    engine: Engine
    fences: tuple[leases.Fence, ...] = ()

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the ledger behind *url*, whose schema is the one of this code.

        Raises:
            DefinitionError: DEFINITION_URL.
            RejectedError: LEDGER_VERSION, STORE_DENIED.
            UnavailableError: STORE_UNAVAILABLE.
        """
        return cls(open_checked(url, where=_WHERE))

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    @contextmanager
    def lease(self, model: str, segment: str, flow: str, holder: str, ttl: timedelta) -> Iterator[Self]:
        """Hold a lease and yield a ledger that checks it at every write; see ``ports.Ledger.lease``."""
        with self._writing() as connection:
            fence = leases.acquire(connection, leases.Lane(model, segment, flow), holder, ttl)
        try:
            yield replace(self, fences=(*self.fences, fence))
        finally:
            with suppress(UnavailableError), self._transaction() as connection:  # it then ends by itself
                leases.release(connection, fence)

    def record(self, receipt: R) -> R:
        """Append a receipt once, and return the record that stands; see ``ports.Ledger.record``."""
        with self._writing() as connection:
            return receipts.record(connection, receipt)

    def get(self, kind: type[R], key: str) -> R:
        """Return the record with this id; see ``ports.Ledger.get``."""
        with self._transaction() as connection:
            return receipts.get(connection, kind, key)

    def history(
        self, kind: type[R], model: str, segment: str = ALL, *, within: Interval | None = None, newest: int | None = None
    ) -> list[R]:
        """Return the records of *kind* in order; see ``ports.Ledger.history``."""
        with self._transaction() as connection:
            return receipts.history(connection, kind, model, segment, within=within, newest=newest)

    def champion(self, model: str, segment: str = ALL, *, at: datetime | None = None) -> Promotion | None:
        """Return the promotion in force; see ``ports.Ledger.champion``."""
        with self._transaction() as connection:
            return promotions.champion(connection, model, segment, at)

    def promote(self, promotion: Promotion) -> Promotion:
        """Append *promotion* if its epoch is the next one; see ``ports.Ledger.promote``."""
        with self._writing() as connection:
            return promotions.promote(connection, promotion)

    def publish(self, batch: PredictionBatch, *predictions: Iterable[pa.RecordBatch]) -> PredictionBatch:
        """Write all *predictions*, then make *batch* current; see ``ports.Ledger.publish``."""
        if len(predictions) > 1:
            stage_side_by_side(lambda: self._copying(batch), batch, predictions)
        else:
            with self._copying(batch) as connection:
                batches.stage(connection, batch, *predictions)
        with self._writing() as connection:
            return batches.make_current(connection, batch)

    def withdraw(self, model: str, segment: str = ALL, *, within: Interval) -> int:
        """Leave an interval without current predictions; see ``ports.Ledger.withdraw``."""
        with self._writing() as connection:
            return batches.withdraw(connection, model, segment, within)

    def predictions(self, model: str, segment: str = ALL, *, role: Role = Role.CHAMPION, within: Interval) -> pa.Table:
        """Return the current predictions of an interval; see ``ports.Ledger.predictions``."""
        rows = self.stream_predictions(model, segment, role=role, within=within)
        return pa.Table.from_batches(rows, schema=batches.CURRENT_SCHEMA)

    def stream_predictions(
        self, model: str, segment: str = ALL, *, role: Role = Role.CHAMPION, within: Interval
    ) -> Iterator[pa.RecordBatch]:
        """Yield the current predictions of an interval; see ``ports.Ledger.stream_predictions``."""
        with driver_errors(_WHERE), one_moment(self.engine) as connection:
            yield from batches.current(connection, model, segment, role, within)

    def record_outcomes(self, model: str, segment: str, outcomes: Iterable[pa.RecordBatch]) -> int:
        """Append labels once each; see ``ports.Ledger.record_outcomes``."""
        with self._transaction() as connection:
            self._check(connection, lock=False)
            new = labels.record_outcomes(connection, model, segment, outcomes)
            self._check(connection)
            return new

    def outcomes(self, model: str, segment: str = ALL, *, within: Interval, as_of: datetime) -> Iterator[pa.RecordBatch]:
        """Yield the latest label of each event; see ``ports.Ledger.outcomes``."""
        with driver_errors(_WHERE), one_moment(self.engine) as connection:
            yield from read_outcomes(connection, model, segment, within, as_of)

    def losses(
        self, model: str, segment: str, *, loss: str, within: Interval, as_of: datetime, matured_before: datetime
    ) -> list[NightLoss]:
        """Return the mean loss per current batch; see ``ports.Ledger.losses``."""
        with self._transaction() as connection:
            return labels.losses(connection, model, segment, loss=loss, within=within, as_of=as_of, matured_before=matured_before)

    def slice_losses(self, model: str, segment: str, *, version: str, before: datetime, as_of: datetime) -> list[NightLoss]:
        """Return the losses by slice that were measured; see ``ports.Ledger.slice_losses``."""
        with self._transaction() as connection:
            return slices.slice_losses(connection, model, segment, version=version, before=before, as_of=as_of)

    def request_retraining(
        self, request: RetrainRequest, *, cooldown: timedelta, max_per_30d: int | None, force: bool = False
    ) -> tuple[RetrainRequest | None, str]:
        """File *request* if the rules allow it; see ``ports.Ledger.request_retraining``."""
        with self._writing() as connection:
            return requests.request_retraining(connection, request, cooldown=cooldown, max_per_30d=max_per_30d, force=force)

    def claim_request(
        self, model: str, segment: str, claimed_by: str, *, at: datetime | None, abandoned_after: timedelta = ABANDONED_AFTER
    ) -> RetrainRequest | None:
        """Take the request that waits; see ``ports.Ledger.claim_request``."""
        with self._writing() as connection:
            return requests.claim_request(connection, model, segment, claimed_by, at=at, abandoned_after=abandoned_after)

    def settle_request(
        self, request: str, outcome: str, state: RequestState = RequestState.DONE, *, claimed_by: str | None = None
    ) -> None:
        """Say what became of a request; see ``ports.Ledger.settle_request``."""
        with self._writing() as connection:
            requests.settle_request(connection, request, outcome, state, claimed_by=claimed_by)

    def trace(self, model: str, segment: str, entity: str, event_at: datetime) -> list[Lineage]:
        """Return where the predictions of one event come from; see ``ports.Ledger.trace``."""
        with self._transaction() as connection:
            return lineage.trace(connection, model, segment, entity, event_at)

    def referenced(self) -> set[str]:
        """Return every artifact digest that any row names; see ``ports.Ledger.referenced``."""
        with self._transaction() as connection:
            return lineage.referenced(connection)

    def manifests(self) -> set[str]:
        """Return every digest of an artifact that names others; see ``ports.Ledger.manifests``."""
        with self._transaction() as connection:
            return lineage.manifests(connection)

    def named(self) -> list[Named]:
        """Return every artifact that a row names, by the row; see ``ports.Ledger.named``."""
        with self._transaction() as connection:
            return lineage.named(connection)

    def audit(self) -> Audit:
        """Look at everything as it stands at one moment; see ``ports.Ledger.audit``."""
        with driver_errors(_WHERE):
            return auditing.audit(self.engine)

    def expired_predictions(self, horizons: Mapping[tuple[str, str], datetime]) -> int:
        """Count old prediction rows; see ``ports.Ledger.expired_predictions``."""
        with self._transaction() as connection:
            return expiry.count(connection, horizons)

    def expire_predictions(self, horizons: Mapping[tuple[str, str], datetime]) -> int:
        """Remove old prediction rows; see ``ports.Ledger.expire_predictions``."""
        with self._transaction() as connection:
            old = expiry.expired_months(connection, horizons)
        rows = sum(self._drop_month(month, horizons) for month in old)
        with self._writing() as connection:
            return rows + expiry.delete(connection, horizons)

    def orphans(self) -> int:
        """Return how many batches that are not there have prediction rows: 0, or the ledger is broken."""
        with self._transaction() as connection:
            return lineage.orphans(connection)

    def _drop_month(self, month: datetime, horizons: Mapping[tuple[str, str], datetime]) -> int:
        # Where predictions are in use all the time, the month stays for now, and its rows are deleted one by one.
        with suppress(UnavailableError), self._writing() as connection:
            return expiry.drop_month(connection, month, horizons)
        return 0

    @contextmanager
    def _copying(self, batch: PredictionBatch) -> Iterator[Connection]:
        """Begin a transaction that writes predictions of *batch*."""
        with self._writing_to(list(months.months(batch.interval))) as connection:
            # Without a lock on the lease: the copy may take minutes, and must not keep a later attempt from taking over.
            self._check(connection, lock=False)
            yield connection
            self._check(connection)

    @contextmanager
    def _writing_to(self, wanted: Sequence[datetime]) -> Iterator[Connection]:
        """Begin a transaction in which the *wanted* months are there and stay there."""
        for _ in range(_ATTEMPTS):
            with self._transaction() as connection:
                missing = months.keep(connection, wanted)
                if not missing:
                    yield connection
                    return
            for month in missing:
                with self._writing() as connection:
                    months.add(connection, month)
        raise UnavailableError(Code.STORE_UNAVAILABLE, "a month of predictions was removed while it was being made", where=_WHERE)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with driver_errors(_WHERE), self.engine.begin() as connection:
            connection.execute(_LOCK_TIMEOUT)
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._transaction() as connection:
            self._check(connection)
            yield connection

    def _check(self, connection: Connection, *, lock: bool = True) -> None:
        for fence in self.fences:
            leases.check(connection, fence, lock=lock)
