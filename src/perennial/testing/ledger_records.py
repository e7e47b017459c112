"""What a ledger in memory holds, and which record must be there before another may name it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import NamedTuple, TypeVar, cast

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import (
    Approval,
    BatchState,
    Decision,
    Evaluation,
    Measurement,
    ModelVersion,
    PredictionBatch,
    Promotion,
    Receipt,
    Release,
    RetrainRequest,
    Snapshot,
    Validation,
)
from perennial.stores.ledger.leases import Lane

R = TypeVar("R", bound=Receipt)
_REFERENCES: dict[type[Receipt], dict[str, type[Receipt]]] = {
    Release: {"snapshot": Snapshot},
    Validation: {"snapshot": Snapshot, "release": Release},
    ModelVersion: {"snapshot": Snapshot, "validation": Validation, "request": RetrainRequest},
    Evaluation: {"challenger": ModelVersion, "champion": ModelVersion, "snapshot": Snapshot},
    Approval: {"evaluation": Evaluation},
    Measurement: {"version": ModelVersion, "validation": Validation},
    Decision: {"measurement": Measurement, "request": RetrainRequest},
    Promotion: {"version": ModelVersion, "evaluation": Evaluation, "approval": Approval},
    PredictionBatch: {"version": ModelVersion, "snapshot": Snapshot, "validation": Validation},
}


class Predicted(NamedTuple):
    """A prediction, and the interval around it where the model gives one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a prediction batch by (entity, event), and when they were written."""

    predictions: dict[tuple[str, datetime], Predicted]
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A lease: who holds it, its newest token, and until when."""

    holder: str | None
    token: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """With which cut-off a request was claimed, and when."""

    as_of: datetime | None
    at: datetime


@dataclass(slots=True)
class Records:
    """Everything that a ledger in memory holds. *lock* is held by whoever reads or writes it."""

    lock: RLock = field(default_factory=RLock)
    receipts: dict[type[Receipt], dict[str, Receipt]] = field(default_factory=dict)
    states: dict[str, BatchState] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)
    outcomes: dict[tuple[str, str, datetime, str], dict[datetime, float]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    leases: dict[Lane, Held] = field(default_factory=dict)

    def of(self, kind: type[R]) -> dict[str, R]:
        """Return the receipts of *kind* by id, in the order in which they were last recorded."""
        return cast("dict[str, R]", self.receipts.setdefault(kind, {}))

    def demand_references(self, receipt: Receipt) -> None:
        """Refuse *receipt* where it names what is not there.

        Raises:
            RejectedError: STORE_REJECTED.
        """
        for column, kind, _ in self.dangling(receipt):
            message = f"{type(receipt).__name__}.{column} must name a {kind.__name__} that is there"
            raise RejectedError(Code.STORE_REJECTED, message, where="ledger")

    def dangling(self, receipt: Receipt) -> Iterator[tuple[str, type[Receipt], str]]:
        """Yield the column, the kind and the key of every record that *receipt* names and that is not there."""
        yield from ((column, kind, key) for column, kind, key in _references(receipt) if key not in self.of(kind))


def epoch_key(model: str, segment: str, epoch: int) -> str:
    """Return the key of a promotion, which has no id."""
    return f"{model}/{segment}/{epoch}"


def _references(receipt: Receipt) -> Iterator[tuple[str, type[Receipt], str]]:
    for column, kind in _REFERENCES.get(type(receipt), {}).items():
        key = getattr(receipt, column)
        if key is not None:
            yield column, kind, key
    if isinstance(receipt, PredictionBatch):
        yield "epoch", Promotion, epoch_key(receipt.model, receipt.segment, receipt.epoch)
    if isinstance(receipt, Measurement):
        yield from (("losses", ModelVersion, night.version) for night in receipt.losses)
