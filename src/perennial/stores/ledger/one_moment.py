"""Reading the ledger as it stood at one moment, however long that takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from perennial.stores.database import LOCK_TIMEOUT_S

_OPTIONS = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# Months cannot go while this is held, which the view of one moment alone would not prevent. Neither statement begins that view.
_KEEP_MONTHS = (f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'", "LOCK TABLE perennial.prediction IN ACCESS SHARE MODE")


@contextmanager
def one_moment(engine: Engine) -> Iterator[Connection]:
    """Lend a connection that writes nothing, and for which everything, each month of predictions included, stays as it is.

    Rows may be deleted, and batches superseded, in the meantime: whoever reads here does not see it. Nobody waits for them but
    who drops a month.
    """
    with engine.connect() as connection:
        connection.execution_options(**_OPTIONS)
        with connection.begin():
            for statement in _KEEP_MONTHS:
                connection.exec_driver_sql(statement)
            yield connection
