"""The months that predictions are partitioned by: made when they are first needed, one short transaction each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from perennial.core.interval import Interval

_THERE = text("""
    SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'perennial.prediction'::regclass AND c.relname = :name
""")
_ADD = text("SELECT perennial.add_prediction_month(:month)")
_ALL = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'perennial.prediction'::regclass ORDER BY c.relname
""")
# Writers hold a month's lock together, each until its rows are committed; who drops the month must have it alone.
_KEEP = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('perennial.' || :name, 0))")
_TAKE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('perennial.' || :name, 0))")
_LAST = (9999, 12)
_MORE_THAN_A_MONTH = timedelta(days=32)


def months(interval: Interval) -> Iterator[datetime]:
    """Yield the start of every month, in UTC, that *interval* has a part of."""
    month = _start(interval.start)
    while month < interval.end:
        yield month
        if (month.year, month.month) == _LAST:
            return
        month = following(month)


def following(month: datetime) -> datetime:
    """Return the start of the month after the one that starts with *month*.

    Raises:
        OverflowError: It is the last month that there is.
    """
    return _start(month + _MORE_THAN_A_MONTH)


def is_over(month: datetime, at: datetime) -> bool:
    """Return whether the month that starts with *month* has ended by the moment *at*; the last that there is never has."""
    return (month.year, month.month) != _LAST and following(month) <= at


def partition(month: datetime) -> str:
    """Return the name of the partition for *month*.

    Examples:
        >>> partition(datetime(2024, 3, 1))
        'prediction_2024m03'
    """
    return f"prediction_{month.year:04}m{month.month:02}"


def present(connection: Connection) -> list[datetime]:
    """Return the months that there are, in order."""
    names = connection.scalars(_ALL).all()
    return [datetime.strptime(f"{name}+0000", "prediction_%Ym%m%z") for name in names]


def add(connection: Connection, month: datetime) -> None:
    """Make *month*, if it is not there. It is attached when the transaction ends."""
    connection.execute(_ADD, {"month": month})


def keep(connection: Connection, wanted: Sequence[datetime]) -> list[datetime]:
    """See to it that nobody drops the *wanted* months before this transaction ends, and return those that are not there."""
    names = {month: {"name": partition(month)} for month in wanted}
    for name in names.values():
        connection.execute(_KEEP, name)
    return [month for month, name in names.items() if not connection.scalar(_THERE, name)]


def take(connection: Connection, month: datetime) -> bool:
    """Return whether nobody writes to *month* now; then nobody can until this transaction ends."""
    return bool(connection.scalar(_TAKE, {"name": partition(month)}))


def _start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
