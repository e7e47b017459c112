"""Making the world that a benchmark runs in: a PostgreSQL of its own, and the data in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import data
import psycopg
from data import World

from perennial.stores.embedded_postgres import embedded_postgres


@contextmanager
def new_world(rows: int, window: int) -> Iterator[World]:
    """Yield a world whose table ``night`` has a window of *window* rows and then a night of *rows*; removed afterwards."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="perennial-bench-", ignore_cleanup_errors=True))
        server = stack.enter_context(embedded_postgres(Path(folder) / "postgres"))
        server.url("bench")
        yield World(folder=folder, socket=str(server.socket_folder), rows=rows, window=window, key=secrets.token_hex(32))


def load(world: World) -> None:
    """Write the window and the night into the table ``night``."""
    data.load_postgres(world, "night", window_and_night(world))


def window_and_night(world: World) -> Iterator[data.Rows]:
    """Yield the rows of the training window, then those of the night."""
    yield from data.chunks(world.window, data.BEGIN, data.NIGHT, categories=world.categories)
    yield from night(world)


def night(world: World) -> Iterator[data.Rows]:
    """Yield the rows of the night."""
    yield from data.chunks(world.rows, data.NIGHT, data.END, data.SEED + 1, categories=world.categories)


def load_sqlite(world: World) -> None:
    """Write the night into a SQLite file, unless it is there."""
    path = world.path / "bench.sqlite"
    if not path.exists():
        data.load_sqlite(path, "night", night(world))


def night_table(world: World) -> str:
    """Make a table that has the night's rows alone, unless it is there, and return its name."""
    with psycopg.connect(world.url(driver="postgresql"), autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('night_alone')").fetchone() == (None,):
            columns = ", ".join(data.COLUMNS)
            begin, end = data.NIGHT.isoformat(), data.END.isoformat()
            where = f"{data.EVENT} >= '{begin}' AND {data.EVENT} < '{end}'"
            connection.execute(f"CREATE UNLOGGED TABLE night_alone AS SELECT {columns} FROM night WHERE {where}".encode())
            connection.execute("VACUUM (ANALYZE) night_alone")
    return "night_alone"


class Worlds:
    """Worlds that are made once per number of rows, loaded, and last as long as the ``with`` block."""

    def __init__(self) -> None:
        """Make none yet."""
        self._stack, self._made = ExitStack(), dict[tuple[int, int], World]()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove all."""
        self._stack.close()

    def of(self, rows: int, window: int) -> World:
        """Return the world with a night of *rows* and a window of *window*, with its table ``night``."""
        if (rows, window) not in self._made:
            self._made[rows, window] = self._stack.enter_context(new_world(rows, window))
            load(self._made[rows, window])
        return self._made[rows, window]
