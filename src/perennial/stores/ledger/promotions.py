"""The append-only ledger of who is champion. Inserting the next epoch is the compare-and-set."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from perennial.core.codes import Code
from perennial.core.errors import ConflictError
from perennial.core.receipts import Promotion, PromotionKind
from perennial.stores.ledger.receipts import read, select_of
from perennial.stores.ledger.rows import to_row
from perennial.stores.tables import promotion as table


def champion(connection: Connection, model: str, segment: str, at: datetime | None) -> Promotion | None:
    """Return the promotion in force at *at* (default: of all); None where there is none or the model was retired."""
    query = select_of(Promotion).where(table.c.model == model, table.c.segment == segment)
    if at is not None:
        query = query.where(table.c.effective_from <= at)
    found = read(connection, Promotion, query.order_by(table.c.epoch.desc()).limit(1))
    return found[0] if found and found[0].version is not None else None


def promote(connection: Connection, promotion: Promotion) -> Promotion:
    """Append *promotion* if its epoch is the next one.

    Raises:
        ConflictError: PROMOTE_CONFLICT.
    """
    if _append(connection, promotion):
        return promotion
    stands = _standing(connection, promotion)
    if stands is None:
        raise conflict(promotion)
    return stands


def conflict(promotion: Promotion) -> ConflictError:
    """Return the error for a *promotion* whose epoch is not the next one."""
    message = f"the champion changed in the meantime: epoch {promotion.epoch} is not the next one"
    return ConflictError(Code.PROMOTE_CONFLICT, message, where=f"{promotion.model}/{promotion.segment}")


def _append(connection: Connection, promotion: Promotion) -> bool:
    row = to_row(promotion)
    of_model = (table.c.model == promotion.model, table.c.segment == promotion.segment)
    newest = select(func.coalesce(func.max(table.c.epoch), 0)).where(*of_model).scalar_subquery()
    values = select(*(literal(value, table.c[name].type) for name, value in row.items())).where(newest + 1 == promotion.epoch)
    statement = insert(table).from_select(list(row), values).on_conflict_do_nothing().returning(table.c.epoch)
    return connection.scalar(statement) is not None


def _standing(connection: Connection, promotion: Promotion) -> Promotion | None:
    """Return the row that says what *promotion* says: of the same evaluation, or the very same row."""
    query = select_of(Promotion).where(table.c.model == promotion.model, table.c.segment == promotion.segment)
    if promotion.kind is PromotionKind.PROMOTE and promotion.evaluation is not None:
        query = query.where(table.c.evaluation == promotion.evaluation, table.c.kind == promotion.kind.value)
        return next(iter(read(connection, Promotion, query)), None)
    same = read(connection, Promotion, query.where(table.c.epoch == promotion.epoch))
    return promotion if same == [promotion] else None
