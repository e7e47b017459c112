"""Records receipts once, and finds them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Row, Select, Table, func, select, update
from sqlalchemy.dialects.postgresql import insert

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Approval,
    Decision,
    Evaluation,
    Measurement,
    Message,
    ModelVersion,
    Pause,
    PredictionBatch,
    Promotion,
    Receipt,
    Release,
    RetrainRequest,
    Snapshot,
    Validation,
)
from perennial.stores import tables
from perennial.stores.ledger.rows import from_row, to_row

R = TypeVar("R", bound=Receipt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where the receipts of one kind lie.

    Attributes:
        head: The table with one row per receipt.
        scope: The table that says which model, segment and interval it belongs to: the head, or what that refers to.
        key: The head's column with the id, if the kind has one.
        order: The scope's columns that put receipts in order; *within* bounds the first one.
    """

    head: Table
    scope: Table
    key: str | None = "id"
    order: tuple[str, ...] = ("interval_start", "interval_end")


SHAPES: dict[type[Receipt], Shape] = {
    Snapshot: Shape(head=tables.snapshot, scope=tables.snapshot, key="digest"),
    Release: Shape(head=tables.release, scope=tables.release),
    Validation: Shape(head=tables.validation, scope=tables.validation),
    ModelVersion: Shape(head=tables.model_version, scope=tables.training_run),
    Evaluation: Shape(head=tables.evaluation, scope=tables.evaluation),
    Approval: Shape(head=tables.approval, scope=tables.evaluation),
    Measurement: Shape(head=tables.measurement, scope=tables.measurement),
    Decision: Shape(head=tables.decision, scope=tables.decision),
    PredictionBatch: Shape(head=tables.prediction_batch, scope=tables.prediction_batch),
    Promotion: Shape(head=tables.promotion, scope=tables.promotion, key=None, order=("epoch",)),
    RetrainRequest: Shape(head=tables.retrain_request, scope=tables.retrain_request, order=("at",)),
    Pause: Shape(head=tables.pause, scope=tables.pause, order=("at",)),
    Message: Shape(head=tables.message, scope=tables.message, order=("at",)),
}
RECORDED = (Snapshot, Release, Validation, ModelVersion, Evaluation, Approval, Measurement, Decision, Pause, Message)
"""What :func:`record` takes. The others are written by what gives them their meaning: promote, publish, request_retraining."""
_CHILDREN = {"drift": tables.drift_measurement, "losses": tables.performance_measurement}
"""The tables of a measurement's lists."""


def record(connection: Connection, receipt: R) -> R:
    """Append *receipt* once, and return the record that stands. Recorded again, it is the last of its interval again."""
    shape, row = shape_of(type(receipt)), to_row(receipt)
    if not isinstance(receipt, RECORDED):
        raise RejectedError(Code.STORE_REJECTED, f"{type(receipt).__name__} is not recorded by itself", where="ledger")
    if isinstance(receipt, ModelVersion):
        _append(connection, tables.training_run, {**row, "id": receipt.training_run})
    new, key = _append(connection, shape.head, row), shape.head.c[shape.key or ""]
    if new and isinstance(receipt, Measurement):
        _append_children(connection, receipt)
    if not new:
        connection.execute(update(shape.head).where(key == row[key.name]).values(said_at=func.now()))
    stands = find(connection, type(receipt), row[key.name])
    if stands is None:  # the same training run was recorded under another version, which stands
        stands = find(connection, type(receipt), row["training_run"], column="training_run")
    return stands or receipt


def find(connection: Connection, kind: type[R], key: str, *, column: str | None = None) -> R | None:
    """Return the record of *kind* with this id, or with this value in another unique *column* of its head; None without one."""
    shape = shape_of(kind)
    name = column or shape.key
    if name is None:
        raise RejectedError(Code.STORE_REJECTED, f"{kind.__name__} has no id; ask for its history", where="ledger")
    return next(iter(read(connection, kind, select_of(kind).where(shape.head.c[name] == key))), None)


def get(connection: Connection, kind: type[R], key: str) -> R:
    """Return the record of *kind* with this id.

    Raises:
        RejectedError: MODEL_UNKNOWN.
    """
    found = find(connection, kind, key)
    if found is None:
        raise unknown(kind, key)
    return found


def history(
    connection: Connection, kind: type[R], model: str, segment: str, *, within: Interval | None, newest: int | None
) -> list[R]:
    """Return the records of *kind* in order, as ``ports.Ledger.history`` says."""
    shape = shape_of(kind)
    written = shape.head.c["said_at" if kind in RECORDED else "written_at"]
    order = [*(shape.scope.c[name] for name in shape.order), written, shape.head.c[shape.key or "epoch"]]
    query = select_of(kind).where(shape.scope.c.model == model, shape.scope.c.segment == segment)
    if within is not None and kind is not Promotion:
        query = query.where(order[0] >= within.start, order[0] < within.end)
    if newest is None:
        return read(connection, kind, query.order_by(*order))
    return read(connection, kind, query.order_by(*(column.desc() for column in order)).limit(newest))[::-1]


def select_of(kind: type[Receipt]) -> Select[Any]:
    """Return the statement that reads all receipts of *kind*."""
    shape = shape_of(kind)
    source = shape.head if shape.head is shape.scope else shape.head.join(shape.scope)
    return select(*_columns(kind, shape)).select_from(source)


def read(connection: Connection, kind: type[R], query: Select[Any]) -> list[R]:
    """Return the receipts of *kind* that *query*, made from :func:`select_of`, yields."""
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if kind is Measurement:
        _add_children(connection, rows)
    return [from_row(kind, row) for row in rows]


def shape_of(kind: type[Receipt]) -> Shape:
    """Return where receipts of *kind* lie.

    Raises:
        RejectedError: STORE_REJECTED, the ledger does not keep them.
    """
    if kind not in SHAPES:
        raise RejectedError(Code.STORE_REJECTED, f"{kind.__name__} is not kept", where="ledger")
    return SHAPES[kind]


def unknown(kind: type[Receipt], key: str) -> RejectedError:
    """Return the error for a *key* that no record of *kind* has."""
    return RejectedError(Code.MODEL_UNKNOWN, f"there is no {kind.__name__} {key!r}", where="ledger")


def _columns(kind: type[Receipt], shape: Shape) -> list[Column[Any]]:
    wanted = [name for field in kind.model_fields for name in (field, f"{field}_start", f"{field}_end")]
    tables_ = (shape.head, shape.scope)
    return [next(table.c[name] for table in tables_ if name in table.c) for name in wanted if any(name in t.c for t in tables_)]


def _append(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    values = {column.name: row[column.name] for column in table.columns if column.name in row}
    key = next(iter(table.primary_key))
    return connection.scalar(insert(table).values(values).on_conflict_do_nothing().returning(key)) is not None


def _append_children(connection: Connection, measurement: Measurement) -> None:
    for field, table in _CHILDREN.items():
        rows: Iterable[Receipt] = getattr(measurement, field)
        values = [{"measurement": measurement.id, "position": at, **to_row(row)} for at, row in enumerate(rows)]
        if values:
            connection.execute(insert(table), values)


def _add_children(connection: Connection, measurements: list[dict[str, Any]]) -> None:
    ids = [row["id"] for row in measurements]
    for field, table in _CHILDREN.items():
        query = select(table).where(table.c.measurement.in_(ids)).order_by(table.c.measurement, table.c.position)
        found: dict[str, list[dict[str, Any]]] = {}
        for row in connection.execute(query):
            found.setdefault(row.measurement, []).append(_child(row))
        for measurement in measurements:
            measurement[field] = found.get(measurement["id"], [])


def _child(row: Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    if "interval_start" in values:
        values["interval"] = Interval(values.pop("interval_start"), values.pop("interval_end"))
    return {name: value for name, value in values.items() if name not in {"measurement", "position"}}
