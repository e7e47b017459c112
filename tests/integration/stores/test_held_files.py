"""A database in a file that another process writes to."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perennial.core.errors import PerennialError
from perennial.stores.sql.connection import reading_engine
from perennial.stores.sql.source import SqlSource
from perennial.stores.sql.sqlite_rows import scanning
from perennial.testing.selection import selection


@contextmanager
def held(path: Path, module: str, then: str = "") -> Iterator[None]:
    """Let another process connect to *path* by *module* and do something with the connection ``c``."""
    hold = f"import sys, {module}; c = {module}.connect(sys.argv[1]); {then}print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield
        holder.communicate(b"\n")


def refusal(url: str) -> str:
    """Return what the source says when it refuses."""
    with pytest.raises(PerennialError) as error:
        list(SqlSource(url).read(selection("demand")))
    return str(error.value)


def test_a_duckdb_that_another_process_writes_is_unavailable(tmp_path: Path) -> None:
    """A retry may help."""
    with held(tmp_path / "source.duckdb", "duckdb"):
        message = refusal(f"duckdb:///{tmp_path}/source.duckdb")
    assert message == "demand: the file could not be read now (IOException) [STORE_UNAVAILABLE]"


def test_an_sqlite_that_another_process_writes_is_unavailable(tmp_path: Path) -> None:
    """A retry may help; what reads fast leaves it to what can say so."""
    with sqlite3.connect(tmp_path / "source.db") as connection:
        connection.execute("CREATE TABLE demand (place TEXT, event_at TEXT)")
    connection.close()
    url = f"sqlite:///{tmp_path}/source.db"
    with held(tmp_path / "source.db", "sqlite3", "c.execute('BEGIN EXCLUSIVE'); "):
        message = refusal(f"{url}?timeout=0.01")
        with scanning(reading_engine(url), selection("demand"), "demand") as batches:
            assert batches is None
    assert message == "demand: could not answer in time [STORE_UNAVAILABLE]"
