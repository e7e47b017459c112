"""What only databases do."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from perennial.core.codes import Code
from perennial.core.errors import DataError, DefinitionError, PerennialError, RejectedError, UnavailableError
from perennial.core.interval import Interval
from perennial.ports import Selection
from perennial.stores.arrow_types import INSTANT
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.sql.connection import reading_engine
from perennial.stores.sql.source import SqlSource
from perennial.stores.sql.statement import relation_clause, select_rows
from perennial.stores.sql.stream import streamed
from perennial.stores.sql.types import postgres_shown
from perennial.testing.selection import selection

START = datetime(2024, 3, 1, tzinfo=UTC)


def read(url: str, chosen: Selection) -> pa.Table:
    """Return all that is selected."""
    return pa.Table.from_batches(SqlSource(url).read(chosen))


def refusal(url: str, chosen: Selection) -> PerennialError:
    """Return the error that reading raises."""
    with pytest.raises(PerennialError) as error:
        read(url, chosen)
    return error.value


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> str:
    """The URL of a database for all tests here."""
    return postgres.url("sql_source")


def run(url: str, *statements: str) -> None:
    """Execute *statements* one after the other, in one transaction."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def lite(tmp_path: Path, *statements: str) -> str:
    """Execute *statements* in a new SQLite database and return its URL."""
    url = f"sqlite:///{tmp_path}/source.db"
    run(url, *statements)
    return url


def test_postgres_types_become_the_few_that_rows_have(server: str) -> None:
    """Small integers widen, exact and short numbers become float64, identifiers text."""
    run(
        server,
        "CREATE TABLE kinds AS SELECT 'a'::varchar(9) AS place, '2024-03-01 01:00+01'::timestamptz AS event_at,"
        " 1::smallint AS small, 2::int AS whole, 1.25::numeric(9,3) AS exact, 2.5::real AS short,"
        " 'ab'::char(3) AS padded, '00000000-0000-0000-0000-00000000000f'::uuid AS id",
    )
    table = read(server, selection("kinds", "small", "whole", "exact", "short", "padded", "id"))
    assert [pa.int64(), pa.int64(), pa.float64(), pa.float64(), pa.string(), pa.string()] == table.schema.types[2:]
    assert table.to_pylist() == [
        {
            "place": "a",
            "event_at": START,
            "small": 1,
            "whole": 2,
            "exact": 1.25,
            "short": 2.5,
            "padded": "ab ",
            "id": "00000000-0000-0000-0000-00000000000f",
        }
    ]


def test_every_column_that_cannot_be_read_is_named_at_once(server: str) -> None:
    """A naive timestamp and a document are two faults of one error."""
    run(server, "CREATE TABLE odd (place text, event_at timestamptz, wall timestamp, document json, number int)")
    assert str(refusal(server, selection("odd", "wall", "document", "number"))) == (
        "odd: wall: must have a timezone, is a timestamp without one [TIME_NAIVE]\n"
        "odd: document: must be a number, a text, a truth value, a date or a timestamp with a timezone [SCHEMA_TYPE]"
    )


def test_event_at_must_be_a_moment(server: str) -> None:
    """A date is none."""
    run(server, "CREATE TABLE daily (place text, event_at date)")
    assert (
        str(refusal(server, selection("daily")))
        == "daily: event_at: must be a timestamp with a timezone, is date32[day] [SCHEMA_TYPE]"
    )


@pytest.mark.parametrize("kind", ["text", "varchar(40)"])
@pytest.mark.parametrize("reads", ["copy", "stream"])
def test_event_at_must_not_be_text_where_there_are_moments(server: str, kind: str, reads: str) -> None:
    """It would be compared letter by letter; a query can cast it. Both ways to read say so."""
    run(server, "DROP TABLE IF EXISTS written", f"CREATE TABLE written (place text, event_at {kind})")
    chosen = selection("written")
    with pytest.raises(DataError) as error:
        list(SqlSource(server).read(chosen) if reads == "copy" else streamed(reading_engine(server), chosen, "written"))
    expected = "written: event_at: must be a timestamp with a timezone, is text: cast it in a query [SCHEMA_TYPE]"
    assert expected == str(error.value)
    assert read(server, selection("SELECT place, event_at::timestamptz AS event_at FROM written")).num_rows == 0


@pytest.mark.parametrize("dialect", ["postgresql", "duckdb"])
def test_the_bounds_have_the_type_of_moments(dialect: str) -> None:
    """A bare literal would take the type of whatever it is compared with."""
    chosen = selection("demand")
    rows = select_rows(relation_clause(chosen), chosen, {"place": pa.string(), "event_at": INSTANT}, dialect)
    statement = str(rows.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call] # SQLAlchemy's own
    assert "demand.event_at >= CAST('2024-03-01 00:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)" in statement
    assert "demand.event_at < CAST('2024-03-02 00:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)" in statement
    assert "demand.event_at <= CAST('2024-03-10 00:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)" in statement


def test_a_table_may_have_a_schema_and_upper_case_letters(server: str) -> None:
    """Names are quoted, never folded."""
    run(server, 'CREATE SCHEMA "Rides"', 'CREATE TABLE "Rides"."Demand" AS SELECT \'a\' AS place, now() AS event_at LIMIT 0')
    assert read(server, selection("Rides.Demand")).num_rows == 0


def test_a_view_reads_like_a_table(server: str) -> None:
    """What is behind a name does not matter."""
    run(server, "CREATE VIEW seen AS SELECT 'a' AS place, '2024-03-01 00:00Z'::timestamptz AS event_at, 1 + 1 AS riders")
    assert read(server, selection("seen", "riders"))["riders"].to_pylist() == [2]


def test_the_session_timezone_does_not_matter(server: str) -> None:
    """A moment is the same in every timezone, on both sides of a clock change."""
    run(
        server,
        "CREATE TABLE clocks AS SELECT 'a' AS place, at AS event_at FROM generate_series('2024-03-30 22:00Z'::timestamptz,"
        " '2024-03-31 22:00Z', '1 hour') AS at",
    )
    url = sa.make_url(server).update_query_dict({"options": "-c timezone=Europe/Berlin"}).render_as_string(hide_password=False)
    day = Interval.parse("2024-03-30T23:00Z/2024-03-31T22:00Z")
    chosen = replace(selection("clocks"), interval=day, as_of=day.end)
    assert [at.start for at in day.split(timedelta(hours=1))] == read(url, chosen)["event_at"].to_pylist()


def test_text_sorts_by_code_point_whatever_its_collation() -> None:
    """A snapshot has one order, and so one digest, on every server. Not every PostgreSQL has another order to try it on."""
    chosen = selection("demand", "note", "riders")
    kinds = {"place": pa.string(), "event_at": INSTANT, "note": pa.string(), "riders": pa.int64()}
    relation = relation_clause(chosen)
    shown = postgres_shown(relation, {"place": "uuid", "event_at": "timestamptz", "note": "varchar", "riders": "int8"})
    rows = select_rows(relation, chosen, kinds, "postgresql", shown)
    statement = str(rows.compile(dialect=sa.create_engine("postgresql+psycopg://").dialect))
    order = [
        "demand.event_at ASC NULLS LAST",
        "place ASC NULLS LAST",
        "note ASC NULLS LAST",
        "demand.riders ASC NULLS LAST",
    ]
    assert ", ".join(order) == statement.partition("ORDER BY ")[2]
    assert 'CAST(demand.place AS TEXT) COLLATE "C" AS place' in statement
    assert 'demand.note COLLATE "C" AS note' in statement


def test_a_query_cannot_write(server: str) -> None:
    """The transaction is read-only, even for a function that writes."""
    run(
        server,
        "CREATE TABLE kept (n int)",
        "CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS 'INSERT INTO kept VALUES (1) RETURNING ''a''::text'",
    )
    error = refusal(server, selection("SELECT spoil() AS place, '2024-03-01 01:00Z'::timestamptz AS event_at"))
    assert (
        str(error) == "query: the store refuses the statement or the data (ReadOnlySqlTransaction, SQLSTATE 25006) [STORE_REJECTED]"
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT place, event_at FROM stays; DROP TABLE stays",
        "SELECT place, event_at FROM stays) AS x; DROP TABLE stays; --",
    ],
)
def test_a_query_is_one_statement(server: str, query: str) -> None:
    """A second statement behind the first is refused and does not run."""
    run(server, "DROP TABLE IF EXISTS stays", "CREATE TABLE stays AS SELECT 'a' AS place, now() AS event_at")
    assert isinstance(refusal(server, selection(query)), RejectedError)
    run(server, "SELECT place FROM stays")


def test_a_missing_right_is_denied(server: str) -> None:
    """A user who may not read a table is told so."""
    run(
        server,
        "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "CREATE TABLE private AS SELECT 'a' AS place, now() AS event_at",
    )
    error = refusal(server.replace("postgres@", "guest@"), selection("private"))
    assert (RejectedError, Code.STORE_DENIED) == (type(error), error.code)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """A retry may help, and the password is not shown."""
    error = refusal("postgresql+psycopg://user:sesame@127.0.0.1:1/db", selection("demand"))
    assert (UnavailableError, Code.STORE_UNAVAILABLE, False) == (type(error), error.code, "sesame" in f"{error}{error.__cause__}")


def test_a_read_that_is_given_up_leaves_no_connection(server: str) -> None:
    """Closing the iterator early closes the transaction."""
    run(
        server,
        "CREATE TABLE long AS SELECT 'a' AS place, '2024-03-01 00:00Z'::timestamptz AS event_at FROM generate_series(1, 120000)",
    )
    url = sa.make_url(server).update_query_dict({"application_name": "given_up"}).render_as_string(hide_password=False)
    rows = SqlSource(url).read(selection("long"))
    assert next(rows).num_rows == 50_000
    rows.close()  # type: ignore[attr-defined] # a generator
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'given_up' AND state <> 'idle'"
        assert connection.execute(count).fetchone() == (0,)


def test_sqlite_compares_moments_and_not_their_text(tmp_path: Path) -> None:
    """Offsets, Z, blanks and fractions may be mixed in one column."""
    url = lite(
        tmp_path,
        "CREATE TABLE demand (place TEXT, event_at TEXT)",
        "INSERT INTO demand VALUES ('in', '2024-03-01T23:30:00-00:15'), ('out', '2024-03-02T00:30:00+00:15'), ('first', "
        "'2024-03-01 01:00:00.000+01:00'), ('before', '2024-03-01T00:59:59.999999+01:00'), ('noon', '20240301T120000Z')",
    )
    assert read(url, selection("demand"))["place"].to_pylist() == ["first", "noon", "in"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'2024-03-01T01:00:00'", "must have a timezone, holds a timestamp without one [TIME_NAIVE]"),
        ("'2031-01-01'", "must have a timezone, holds a timestamp without one [TIME_NAIVE]"),
        ("'yesterday'", "must hold moments in ISO 8601 with an offset or Z [SCHEMA_TYPE]"),
        ("''", "must hold moments in ISO 8601 with an offset or Z [SCHEMA_TYPE]"),
        ("1709251200", "must be timestamp[us, tz=UTC], holds a value that is not [SCHEMA_TYPE]"),
    ],
)
@pytest.mark.parametrize("kind", ["TEXT", "TIMESTAMP", ""])
def test_sqlite_refuses_what_is_no_moment(tmp_path: Path, text: str, message: str, kind: str) -> None:
    """Wherever in time it lies, it is refused and not overlooked."""
    url = lite(
        tmp_path,
        f"CREATE TABLE demand (place TEXT, event_at {kind})",
        f"INSERT INTO demand VALUES ('a', {text})",  # noqa: S608 - our own literals
    )
    if text == "1709251200" and kind == "TEXT":
        message = "must hold moments in ISO 8601 with an offset or Z [SCHEMA_TYPE]"  # SQLite makes it text
    assert f"demand: event_at: {message}" == str(refusal(url, selection("demand")))


def test_sqlite_values_of_another_type_than_declared_are_refused(tmp_path: Path) -> None:
    """SQLite would keep a word in a column of numbers; neither the message nor its cause repeats it."""
    url = lite(
        tmp_path,
        "CREATE TABLE demand (place TEXT, event_at TEXT, riders INTEGER)",
        "INSERT INTO demand VALUES ('a', '2024-03-01T01:00Z', 'seven')",
    )
    error = refusal(url, selection("demand", "riders"))
    assert (str(error), error.__cause__) == ("demand: riders: must be int64, holds a value that is not [SCHEMA_TYPE]", None)


def test_columns_without_a_declared_type_are_read_by_their_values(tmp_path: Path) -> None:
    """A query in SQLite declares nothing; one without any value is float64."""
    url = lite(
        tmp_path,
        "CREATE TABLE demand (place TEXT, event_at TEXT, riders INTEGER)",
        "INSERT INTO demand VALUES ('a', '2024-03-01T01:00Z', 9007199254740993), ('b', '2024-03-01T02:00Z', NULL)",
    )
    table = read(
        url, selection("SELECT *, riders * 0.5 AS half, NULL AS never, 'x' AS word FROM demand", "riders", "half", "never", "word")
    )
    assert [pa.int64(), pa.float64(), pa.float64(), pa.string()] == table.schema.types[2:]
    assert table["riders"].to_pylist() == [9007199254740993, None]


def test_a_locked_sqlite_is_unavailable(tmp_path: Path) -> None:
    """Another process that writes will end."""
    url = lite(tmp_path, "CREATE TABLE demand (place TEXT, event_at TEXT)")
    holder = sqlite3.connect(tmp_path / "source.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        error = refusal(f"{url}?timeout=0.01", selection("demand"))
    finally:
        holder.close()
    assert str(error) == "demand: could not answer in time [STORE_UNAVAILABLE]"


def test_sqlite_is_only_read(tmp_path: Path) -> None:
    """The connection refuses to write."""
    url = lite(tmp_path, "CREATE TABLE demand (place TEXT, event_at TEXT)")
    with reading_engine(url).connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM demand")


def test_a_column_that_stands_twice_is_refused(server: str) -> None:
    """Which of the two is meant cannot be known."""
    query = "SELECT 'a' AS place, now() AS event_at, 1 AS riders, 2 AS riders"
    assert str(refusal(server, selection(query, "riders"))) == "query: riders: must stand once, stands twice [SCHEMA_DUPLICATE]"


@pytest.mark.parametrize("url", ["demand.db", "nosuch://host/db", "oracle+oracledb://user:sesame@host/db"])
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    """Neither a driver that is not there nor a text that is no URL gets further than the constructor."""
    with pytest.raises(DefinitionError) as error:
        SqlSource(url)
    assert (error.value.code, "sesame" in str(error.value)) == (Code.DEFINITION_URL, False)


def test_a_source_does_not_show_its_url() -> None:
    """What is printed has no password in it."""
    assert repr(SqlSource("postgresql+psycopg://user:sesame@host/db")) == "SqlSource('postgresql')"


def test_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A whole number that a float cannot hold is not rounded."""
    url = lite(
        tmp_path,
        "CREATE TABLE demand (place TEXT, event_at TEXT, load NUMERIC)",
        "INSERT INTO demand VALUES ('a', '2024-03-01T01:00Z', 9007199254740993)",
    )
    with pytest.raises(DataError) as error:
        read(url, selection("demand", "load"))
    assert str(error.value) == "demand: load: must be double, holds a value that is not [SCHEMA_TYPE]"
