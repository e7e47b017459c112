"""What DuckDB says when there is no space for its temporary files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from perennial.core.errors import RejectedError
from perennial.stores.duckdb_space import space_error

EXPECTED = "scratch: has no space left to sort in [STORE_FULL]"


def test_duckdb_stops_by_itself_short_of_a_full_disk(tmp_path: Path) -> None:
    """By default it takes what was free when it began; here, its own setting stands for a disk of a megabyte."""
    with duckdb.connect(config={"memory_limit": "50MB", "temp_directory": str(tmp_path), "threads": 2}) as connection:
        connection.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.OutOfMemoryException) as error:
            connection.sql("SELECT hash(i) AS h, repeat('x', 80) || i FROM range(1_000_000) AS t(i) ORDER BY h").to_arrow_table()
    found = space_error(error.value)
    assert (RejectedError, EXPECTED) == (type(found), str(found))


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded", "File too large"])
def test_the_operating_system_is_quoted(words: str) -> None:
    """In the middle of a read, DuckDB's error comes as an OSError."""
    assert str(space_error(OSError(f'IO Error: Could not write file "/scratch/duckdb_temp_1-0.tmp": {words}'))) == EXPECTED


@pytest.mark.parametrize(
    "error",
    [
        OSError("Conversion Error: Could not convert string 'No space left' to INT32"),
        duckdb.IOException('IO Error: Could not set lock on file "/rows.duckdb": Conflicting lock is held'),
        duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block of size 256.0 KiB (244.1 MiB/244.1 MiB used)"),
    ],
)
def test_nothing_else_is_a_full_disk(error: Exception) -> None:
    """Neither a value that happens to say so, nor a lock, nor memory."""
    assert space_error(error) is None
