"""A column's cells inside the database: as numbers, texts or microseconds, whatever the dialect calls them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from perennial.stores.arrow_types import INSTANT
from perennial.stores.sql.statement import MICROSECONDS

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of the relation.

    Attributes:
        column: The column as it stands.
        kind: The canonical type that its rows are read as.
        dialect: SQLAlchemy's name of it.
        padded: Whether it is PostgreSQL's ``char(n)``, whose comparisons overlook the spaces at the end.
    """

    column: sa.ColumnElement[Any]
    kind: pa.DataType
    dialect: str
    padded: bool = False

    @property
    def missing(self) -> sa.ColumnElement[bool]:
        """Whether a cell is null, or NaN."""
        if self.kind == pa.float64() and self.dialect != "sqlite":  # SQLite keeps NaN as null
            return self.column.is_(None) | (self.number == number(math.nan))
        return self.column.is_(None)

    @property
    def unreadable(self) -> sa.ColumnElement[bool]:
        """Whether SQLite, which keeps anything anywhere, holds something else than *kind* in a cell; elsewhere false."""
        if self.dialect != "sqlite":
            return sa.false()
        if self.kind == INSTANT:
            return self.column.is_not(None) & self.microseconds.is_(None)
        found = sa.func.typeof(self.column)
        if self.kind in (pa.string(), pa.date32()):
            return found.in_(["integer", "real", "blob"]) | self._holds_nul
        return found.in_(["text", "blob", *(["real"] if self.kind in (pa.int64(), pa.bool_()) else [])])

    @property
    def _holds_nul(self) -> sa.ColumnElement[bool]:
        """Whether a text has a NUL, at which SQLite's functions stop."""
        return sa.func.instr(sa.cast(self.column, sa.LargeBinary), sa.literal_column("x'00'")) > 0

    @property
    def number(self) -> sa.ColumnElement[float]:
        """The cell as float64."""
        column = sa.cast(self.column, sa.Integer) if self.kind == pa.bool_() else self.column
        return sa.cast(column, sa.REAL if self.dialect == "sqlite" else sa.Double)

    @property
    def text(self) -> sa.ColumnElement[str]:
        """The cell as text that compares by code point."""
        column = sa.func.concat(self.column, "") if self.padded else self.column
        if self.dialect == "duckdb":
            return sa.cast(column, sa.Text)  # compares by code point unless told otherwise
        return sa.collate(sa.cast(column, sa.Text), "BINARY" if self.dialect == "sqlite" else "C")

    @property
    def microseconds(self) -> sa.ColumnElement[int]:
        """The moment in microseconds since 1970."""
        if self.dialect == "sqlite":
            return sa.Function(MICROSECONDS, self.column, type_=sa.BigInteger)
        if self.dialect == "duckdb":
            return sa.func.epoch_us(self.column, type_=sa.BigInteger)
        return sa.cast(sa.extract("epoch", self.column) * sa.literal_column(str(_SECOND_US)), sa.BigInteger)


def number(value: float) -> sa.ColumnElement[float]:
    """Return *value*, any float64, to be sent beside the statement, so that no digit is lost."""
    return sa.bindparam(None, value, sa.Double, unique=True)


def whole(value: int) -> sa.ColumnElement[int]:
    """Return a number of our own, such as that of a bin."""
    return sa.literal_column(str(value), sa.Integer)
