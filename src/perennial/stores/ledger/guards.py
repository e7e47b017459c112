"""Whether what keeps the promises in the database is still there: constraints, unique indexes and triggers."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from perennial.core.receipts import Fault
from perennial.stores.ledger.faults import CHAMPION, COMPARED, LINEAGE, ONE_RETRAINING, ONE_ROW
from perennial.stores.tables import metadata

TRIGGERS = {
    ("prediction_batch", "prediction_batch_is_kept"),
    ("prediction_batch", "prediction_batch_is_named"),
    ("promotion", "promotion_append_only"),
}
"""The triggers that people made, by table. Those of foreign keys come with them."""

_PROMISES = {
    "prediction_batch_one_current_idx": ONE_ROW,
    "prediction_pkey": ONE_ROW,
    "promotion_append_only": CHAMPION,
    "promotion_once_idx": COMPARED,
    "promotion_pkey": COMPARED,
    "retrain_request_one_open_idx": ONE_RETRAINING,
}
_STANDING = text("""
    SELECT c.relname, o.conname FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    WHERE o.connamespace = 'perennial'::regnamespace AND o.convalidated
    UNION ALL
    SELECT c.relname, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace = 'perennial'::regnamespace AND x.indisunique AND x.indisvalid
    UNION ALL
    SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'perennial'::regnamespace AND t.tgenabled <> 'D'
""")
_DISABLED = text("""
    SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'perennial'::regnamespace AND t.tgisinternal AND t.tgenabled = 'D' ORDER BY c.relname
""")


def guards(connection: Connection) -> Iterator[Fault]:
    """Yield every constraint, unique index and trigger of the tables that is gone, switched off, or not checked."""
    standing = {(row[0], row[1]) for row in connection.execute(_STANDING)}
    for table, name in sorted(_expected() - standing):
        yield Fault(promise=_PROMISES.get(name, LINEAGE), where=f"{table} {name}", found="is not there, or switched off")
    for table in connection.scalars(_DISABLED):
        yield Fault(promise=LINEAGE, where=table, found="its foreign keys are switched off")


def _expected() -> set[tuple[str, str]]:
    tables = metadata.tables.values()
    constraints = {(table.name, str(constraint.name)) for table in tables for constraint in table.constraints}
    indexes = {(table.name, str(index.name)) for table in tables for index in table.indexes if index.unique}
    return constraints | indexes | TRIGGERS
