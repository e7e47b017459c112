"""Writing an Arrow table into a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from perennial.core.errors import DataError, DefinitionError, RejectedError
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.sql.table import write_table

TABLE = pa.table(
    {
        "at": pa.array([datetime(2024, 3, 1, 2, 0, 0, 5, tzinfo=UTC), None], pa.timestamp("us", tz="Europe/Berlin")),
        "n": pa.array([2**53 + 1, None], pa.int64()),
        "x": pa.array([0.1 + 0.2, None], pa.float32()),
        "t": ['"quoted", \\N\n', ""],
        "b": pa.array([True, None], pa.bool_()),
        "d": pa.array([date(2024, 3, 1), None], pa.date32()),
    }
)


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> str:
    """The URL of a database for all tests here."""
    return postgres.url("sql_table")


def fetched(url: str, query: str) -> list[tuple[object, ...]]:
    """Return the rows of *query*."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_postgres_gets_its_own_types(server: str) -> None:
    """Moments are timestamptz, whole numbers bigint, others double precision."""
    write_table(server, "typed", TABLE)
    query = "SELECT data_type FROM information_schema.columns WHERE table_name = 'typed' ORDER BY ordinal_position"
    assert [kind for (kind,) in fetched(server, query)] == [
        "timestamp with time zone",
        "bigint",
        "double precision",
        "text",
        "boolean",
        "date",
    ]


def test_postgres_gets_every_value(server: str) -> None:
    """Nulls, quotes, line breaks, empty text and microseconds survive the copy."""
    write_table(server, "whole", TABLE)
    moment = datetime(2024, 3, 1, 2, 0, 0, 5, tzinfo=UTC)
    assert [
        (moment, 2**53 + 1, TABLE["x"][0].as_py(), '"quoted", \\N\n', True, date(2024, 3, 1)),
        (None, None, None, "", None, None),
    ] == fetched(server, "SELECT * FROM whole")


def test_sqlite_gets_moments_as_text_with_an_offset(tmp_path: Path) -> None:
    """SQLite has no timestamps, so the text says where it belongs."""
    url = f"sqlite:///{tmp_path}/source.db"
    write_table(url, "demand", TABLE)
    assert fetched(url, "SELECT at, n, b, d FROM demand") == [
        ("2024-03-01 02:00:00.000005Z", 2**53 + 1, 1, "2024-03-01"),
        (None, None, None, None),
    ]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_earlier_table_is_replaced(server: str, tmp_path: Path, kind: str) -> None:
    """Neither its rows nor its columns stay."""
    url = server if kind == "postgres" else f"sqlite:///{tmp_path}/source.db"
    write_table(url, "demand", TABLE)
    write_table(url, "demand", pa.table({"riders": [1, 2]}))
    assert fetched(url, "SELECT * FROM demand") == [(1,), (2,)]


def test_a_failed_write_leaves_the_earlier_table(server: str) -> None:
    """PostgreSQL takes the new table whole or not at all."""
    write_table(server, "safe", pa.table({"t": ["old"]}))
    with pytest.raises(RejectedError) as error:
        write_table(server, "safe", pa.table({"t": ["new", "with\0zero"]}))
    assert (fetched(server, "SELECT * FROM safe"), "zero" in str(error.value)) == ([("old",)], False)


def test_a_table_without_rows_is_made_too(tmp_path: Path) -> None:
    """Its columns are then known."""
    url = f"sqlite:///{tmp_path}/source.db"
    write_table(url, "demand", pa.table({"riders": pa.array([], pa.int64())}))
    assert fetched(url, "SELECT riders FROM demand") == []


@pytest.mark.parametrize(("name", "column"), [("demand; --", "n"), ("demand", 'n" int); --')])
def test_names_that_are_no_identifiers_are_refused(tmp_path: Path, name: str, column: str) -> None:
    """Neither a table nor a column can bring SQL along."""
    with pytest.raises(DefinitionError, match="IDENTIFIER_INVALID"):
        write_table(f"sqlite:///{tmp_path}/source.db", name, pa.table({column: [1]}))


def test_types_that_a_database_lacks_are_refused_at_once(tmp_path: Path) -> None:
    """Lists and naive timestamps are named together."""
    table = pa.table({"list": [[1]], "wall": pa.array([0], pa.timestamp("us")), "n": [1]})
    with pytest.raises(DataError) as error:
        write_table(f"sqlite:///{tmp_path}/source.db", "demand", table)
    assert str(error.value) == (
        "demand: list: cannot be written, is list<item: int64> [SCHEMA_TYPE]\n"
        "demand: wall: cannot be written, is timestamp[us] [SCHEMA_TYPE]"
    )
