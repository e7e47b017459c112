"""The data of every benchmark: seeded rows of 30 numbers and 5 categories, in PostgreSQL, SQLite and on disk.

Nothing here imports Perennial, as the peers read it from an environment of their own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

SEED = 20240121
NUMERIC = tuple(f"n{index:02d}" for index in range(30))
MANY, FEW, ENOUGH = 10_000, 300, 50_000
"""How many values the widest category has; and how many where the rows are fewer than these, as they would then hardly repeat."""

CARDINALITIES = {"c0": 3, "c1": 7, "c2": 24, "c3": 200, "c4": MANY}
CATEGORICAL = tuple(CARDINALITIES)
ENTITY, EVENT, LABEL = "station", "event_at", "label"
FEATURES = (*NUMERIC, *CATEGORICAL)
COLUMNS = (ENTITY, EVENT, *FEATURES)
"""What a night is extracted with; the label stands beside it."""

GAPS = ("n28", "n29")
"""Columns that are empty in 2 % of the rows."""

SPOILED = "n12"
"""A column that one row in a thousand has a value in that no sensor gives."""

BEGIN, NIGHT, END = datetime(2023, 12, 13, tzinfo=UTC), datetime(2024, 1, 22, tzinfo=UTC), datetime(2024, 1, 23, tzinfo=UTC)
"""The window that is trained on begins and ends, and the night that is scored begins and ends."""

CHUNK = 100_000
TYPES = {ENTITY: "text", EVENT: "timestamptz", **dict.fromkeys(NUMERIC, "double precision"), **dict.fromkeys(CATEGORICAL, "text")}
_POSTGRES_EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
MAGIC, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

Rows = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class World:
    """Where the data of a benchmark is.

    Attributes:
        folder: Everything on disk.
        socket: The folder of PostgreSQL's socket.
        rows: How many rows the night has.
        window: How many rows the training window has.
        key: The key that signs models, in hexadecimal.
        trees: How many trees every model has.
    """

    folder: str
    socket: str
    rows: int
    window: int
    key: str
    trees: int = 100

    @property
    def categories(self) -> int:
        """How many values the widest category has."""
        return MANY if min(self.rows, self.window) >= ENOUGH else FEW

    @property
    def path(self) -> Path:
        """The folder as a path."""
        return Path(self.folder)

    def url(self, database: str = "bench", driver: str = "postgresql+psycopg") -> str:
        """Return a URL as SQLAlchemy writes it, or as libpq does where *driver* is ``postgresql``."""
        return f"{driver}://postgres@/{database}?host={self.socket}"

    def to_json(self) -> str:
        """Return this as JSON, for a child process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> World:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))


@contextmanager
def engine(url: str) -> Iterator[Any]:
    """Lend a SQLAlchemy engine, and close its connections afterwards."""
    import sqlalchemy as sa

    made = sa.create_engine(url)
    try:
        yield made
    finally:
        made.dispose()


def chunks(rows: int, begin: datetime, end: datetime, seed: int = SEED, *, categories: int = MANY) -> Iterator[Rows]:
    """Yield *rows* rows, spread evenly over the time from *begin* to *end*, at most ``CHUNK`` at a time.

    Each chunk has the columns as arrays of shape (rows,): float64, text of a fixed width as bytes, datetime64 in microseconds UTC.
    An empty number is NaN. No category has more than *categories* values.
    """
    length = (end - begin) // timedelta(microseconds=1)
    for first in range(0, rows, CHUNK):
        size = min(CHUNK, rows - first)
        random = np.random.default_rng([seed, first])
        moments = (np.arange(first, first + size, dtype=np.float64) * (length / rows)).astype(np.int64)
        yield {
            ENTITY: _text(b"station-", random.integers(0, 50_000, size), 7),
            EVENT: np.datetime64(begin.replace(tzinfo=None), "us") + moments.astype("timedelta64[us]"),
            **_features(random, size, categories),
        }


def _features(random: np.random.Generator, size: int, categories: int) -> Rows:
    numbers = random.standard_normal((len(NUMERIC), size))
    numbers *= np.linspace(0.5, 30, len(NUMERIC))[:, None]
    rows: Rows = dict(zip(NUMERIC, numbers, strict=True))
    codes = {name: random.integers(0, min(values, categories), size) for name, values in CARDINALITIES.items()}
    odds = 6 * rows["n00"] + rows["n01"] * np.sign(rows["n02"]) + np.cos(codes["c1"]) + np.sin(codes["c4"]) / 2
    label = (random.random(size) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    for name in GAPS:
        rows[name][random.random(size) < 0.02] = np.nan
    rows[SPOILED][random.random(size) < 0.001] = 1e6
    return {**rows, **{name: _text(name.encode() + b"-", codes[name], 5) for name in CATEGORICAL}, LABEL: label}


def _text(prefix: bytes, numbers: npt.NDArray[np.int64], digits: int) -> npt.NDArray[np.generic]:
    """Return ``prefix0001234`` for each number, as bytes of one width."""
    out = np.empty((len(numbers), len(prefix) + digits), dtype=np.uint8)
    out[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
    for place in range(digits):
        out[:, -1 - place] = numbers // 10**place % 10 + ord("0")
    return out.view(f"S{out.shape[1]}").ravel()


def load_postgres(
    world: World, table: str, parts: Iterator[Rows], *, append: bool = False, columns: dict[str, str] | None = None
) -> None:
    """Write *parts* into *table* of the database ``bench``, with an index on the time, by binary COPY."""
    types = columns or {**TYPES, LABEL: "double precision"}
    with psycopg.connect(world.url(driver="postgresql")) as connection:
        if not append:
            connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
            # Unlogged, as it is only read: no peer and no step of ours writes to it.
            connection.execute(f"CREATE UNLOGGED TABLE {table} ({', '.join(f'{k} {v}' for k, v in types.items())})".encode())
        with connection.cursor().copy(f"COPY {table} ({', '.join(types)}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.write(MAGIC)
            for part in parts:
                copy.write(encode({name: part[name] for name in types}))
            copy.write(TRAILER)
        if not append:
            connection.execute(f"CREATE INDEX ON {table} ({EVENT})".encode())
    with psycopg.connect(world.url(driver="postgresql"), autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {table}".encode())


def encode(rows: Rows) -> bytes:
    """Return *rows* as PostgreSQL's binary COPY has them, without header and trailer. Texts have one width; NaN is NULL."""
    size = len(next(iter(rows.values())))
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for name, values in rows.items():
        kind = {"S": values.dtype.str, "M": ">i8", "i": ">i8", "f": ">f8"}[values.dtype.kind]
        fields += [(f"{name} bytes", ">i4"), (name, kind)]
    packed = np.zeros(size, dtype=fields)
    packed["count"] = len(rows)
    keep = np.ones((size, packed.dtype.itemsize), dtype=bool)
    for name, values in rows.items():
        packed[f"{name} bytes"] = packed.dtype[name].itemsize
        packed[name] = (values - _POSTGRES_EPOCH).view(np.int64) if values.dtype.kind == "M" else values
        if values.dtype.kind == "f" and (empty := np.isnan(values)).any():
            packed[f"{name} bytes"][empty] = -1
            offset = packed.dtype.fields[name][1]
            keep[empty, offset : offset + 8] = False
    raw = packed.view(np.uint8).reshape(size, -1)
    return raw.tobytes() if keep.all() else raw[keep].tobytes()


def load_sqlite(path: Path, table: str, parts: Iterator[Rows]) -> None:
    """Write *parts* into *table* of a SQLite file, with an index on the time; moments are ISO 8601 text with Z."""
    columns = ", ".join(f"{name} {'REAL' if kind == 'double precision' else 'TEXT'}" for name, kind in TYPES.items())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"CREATE TABLE {table} ({columns})")
        insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(TYPES))})"
        for part in parts:
            connection.executemany(insert, zip(*(_values(part[name]) for name in TYPES), strict=True))
        connection.execute(f"CREATE INDEX at ON {table} ({EVENT})")
        connection.execute("ANALYZE")


def _values(values: npt.NDArray[np.generic]) -> list[object]:
    if values.dtype.kind == "M":
        return [f"{text}Z" for text in np.datetime_as_string(values, unit="us")]
    if values.dtype.kind == "S":
        return values.astype(str).tolist()
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - only NaN is not itself


def table_of(parts: Iterator[Rows], columns: tuple[str, ...] = COLUMNS) -> pa.Table:
    """Return *parts* as one Arrow table; NaN is null, text is string, moments are in UTC."""
    return pa.Table.from_batches([_batch(part, columns) for part in parts])


def _batch(part: Rows, columns: tuple[str, ...]) -> pa.RecordBatch:
    return pa.record_batch([_array(part[name]) for name in columns], names=list(columns))


def _array(values: npt.NDArray[np.generic]) -> pa.Array:
    if values.dtype.kind == "S":
        return pa.array(values, pa.binary()).cast(pa.string())
    if values.dtype.kind == "M":
        return pa.array(values, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    return pa.array(values, from_pandas=True)
