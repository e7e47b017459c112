"""What only DuckDB does."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from perennial.core.errors import DefinitionError, PerennialError, RejectedError
from perennial.core.scratch import PREFIX
from perennial.ports import Selection
from perennial.stores.sql.source import SqlSource
from perennial.testing.selection import selection

START = datetime(2024, 3, 1, tzinfo=UTC)
MANY = (
    "SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at, hash(i)::varchar || repeat('x', 100) AS note, i AS n"
    " FROM range(800_000) AS many(i)"
)
ONE = "SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at"


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB has 96 MB in place of 256, which ``MANY`` do not fit into."""
    monkeypatch.setattr("perennial.stores.sql.duckdb_rows._MEMORY", "96MB")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A DuckDB file with one table, of one row."""
    with duckdb.connect(str(tmp_path / "source.duckdb")) as connection:
        connection.execute(
            f"CREATE TABLE kinds AS {ONE}, 1::utinyint AS small, 2::hugeint AS huge, 1.25::decimal(9, 3) AS exact,"
            " 2.5::float AS short, 'x'::enum('x', 'y') AS word, '00000000-0000-0000-0000-00000000000f'::uuid AS id,"
            " 'infinity'::timestamptz AS forever, now()::timestamp AS wall, [1] AS list, 'secret' AS note"
        )
    return tmp_path / "source.duckdb"


def read(path: Path, chosen: Selection) -> pa.Table:
    """Return all that is selected."""
    return pa.Table.from_batches(SqlSource(f"duckdb:///{path}").read(chosen))


def refusal(path: Path, chosen: Selection) -> str:
    """Return what the source says when it refuses."""
    with pytest.raises(PerennialError) as error:
        read(path, chosen)
    return str(error.value)


def test_types_become_the_few_that_rows_have(path: Path) -> None:
    """Small and huge integers, exact and short numbers, enumerations and identifiers."""
    table = read(path, selection("kinds", "small", "huge", "exact", "short", "word", "id"))
    assert [pa.int64(), pa.float64(), pa.float64(), pa.float64(), pa.string(), pa.string()] == table.schema.types[2:]
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("a", START + timedelta(hours=1), 1, 2.0, 1.25, 2.5, "x", "00000000-0000-0000-0000-00000000000f")
    ]


def test_every_column_that_cannot_be_read_is_named_at_once(path: Path) -> None:
    """A naive timestamp and a list are two faults of one error."""
    assert refusal(path, selection("kinds", "wall", "list")) == (
        "kinds: wall: must have a timezone, is a timestamp without one [TIME_NAIVE]\n"
        "kinds: list: must be a number, a text, a truth value, a date or a timestamp with a timezone, is list<l: int32>"
        " [SCHEMA_TYPE]"
    )


def test_infinite_moments_are_refused(path: Path) -> None:
    """No calendar has them."""
    expected = "kinds: forever: must lie in the years 1 to 9999, holds infinity or what lies outside [SCHEMA_TYPE]"
    assert expected == refusal(path, selection("kinds", "forever"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"{ONE}, content AS note FROM read_text('/etc/hostname')", "PermissionException"),
        (f"{ONE}, note::int AS note FROM kinds", "ConversionException"),
        (f"{ONE}, note FROM kinds) AS x; DROP TABLE kinds; --", "InvalidInputException"),
        (f"{ONE}, note FROM nowhere", "CatalogException"),
    ],
)
def test_a_query_reads_the_one_file_and_no_value_is_quoted(path: Path, query: str, found: str) -> None:
    """Neither other files nor a second statement."""
    expected = f"query: the store refuses the statement or the data ({found}) [STORE_REJECTED]"
    assert expected == refusal(path, selection(query, "note"))


def test_no_variable_of_this_program_is_a_table(path: Path) -> None:
    """DuckDB would look for one."""
    local = pa.table({"place": ["a"], "event_at": [START]})
    assert (local.num_rows, refusal(path, selection("local"))) == (
        1,
        "local: the store refuses the statement or the data (CatalogException) [STORE_REJECTED]",
    )


@pytest.mark.parametrize("kind", ["varchar", "enum('2024-03-01 01:00Z')"])
def test_text_is_a_moment_only_where_a_query_says_so(path: Path, kind: str) -> None:
    """It would be compared letter by letter; a cast in a query compares it as what it is."""
    text = f"SELECT 'a' AS place, '2024-03-01 01:00Z'::{kind} AS event_at"
    expected = "query: event_at: must be a timestamp with a timezone, is text: cast it in a query [SCHEMA_TYPE]"
    assert expected == refusal(path, selection(text))
    cast = "SELECT place, event_at::timestamptz AS event_at"
    assert read(path, selection(f"{cast} FROM ({text})")).num_rows == 1


@pytest.mark.usefixtures("little_memory")
def test_what_does_not_fit_into_memory_goes_to_the_scratch_folder(path: Path, tmp_path: Path) -> None:
    """It is made where it is missing, has the name that is looked for after a kill, and is empty again after the read."""
    scratch = tmp_path / "home" / "scratch"
    rows = SqlSource(f"duckdb:///{path}", scratch=scratch).read(selection(MANY, "note", "n"))
    next(rows)
    (folder,) = scratch.iterdir()
    assert (folder.name.startswith(PREFIX), len(list(folder.iterdir())) > 0) == (True, True)
    rows.close()  # type: ignore[attr-defined] # a generator
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("little_memory")
def test_a_scratch_folder_that_is_full_says_so(path: Path, tmp_path: Path) -> None:
    """Other than a file that cannot be read now, which a retry may help."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, earlier[1]))
    try:
        with pytest.raises(RejectedError) as error:
            list(SqlSource(f"duckdb:///{path}", scratch=tmp_path).read(selection(MANY, "note", "n")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)
    assert str(error.value) == "scratch: has no space left to sort in [STORE_FULL]"


@pytest.mark.parametrize("url", ["duckdb://", "duckdb:///:memory:", "duckdb:///demand.duckdb?threads=9"])
def test_a_url_names_a_file_and_no_more(url: str) -> None:
    """What is in memory only is in nobody else's."""
    with pytest.raises(DefinitionError) as error:
        SqlSource(url)
    assert str(error.value) == "connection: must be duckdb:///file, and no more [DEFINITION_URL]"


def test_a_source_shows_its_kind_only(path: Path) -> None:
    """As every database does."""
    assert repr(SqlSource(f"duckdb:///{path}")) == "SqlSource('duckdb')"
