"""PostgreSQL read through ADBC: the same rows as by the plain stream, and our errors whatever happens in the middle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from adbc_driver_manager import Error

from perennial.core.errors import PerennialError, RejectedError, UnavailableError
from perennial.ports import Selection
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.sql import adbc_connections, postgres_rows
from perennial.stores.sql.adbc_connections import AdbcConnections
from perennial.stores.sql.connection import reading_engine
from perennial.stores.sql.postgres_rows import copying
from perennial.stores.sql.source import SqlSource
from perennial.stores.sql.statement import relation_clause, select_rows
from perennial.stores.sql.stream import streamed
from perennial.stores.sql.types import POSTGRES_KINDS, postgres_shown
from perennial.testing.selection import selection


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> str:
    """The URL of a database for all tests here."""
    return postgres.url("sql_postgres")


def run(url: str, *statements: str) -> list[Any]:
    """Execute *statements* one after the other, and return the rows of the last one."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        rows = [connection.execute(statement.encode()) for statement in statements]
        return rows[-1].fetchall() if rows[-1].description else []


def option(url: str, **options: str) -> str:
    """Return *url* with further parameters."""
    return sa.make_url(url).update_query_dict(options).render_as_string(hide_password=False)


def fast(url: str, chosen: Selection) -> list[dict[str, object]]:
    """Return what ADBC reads; it must be able to."""
    with copying(reading_engine(url), AdbcConnections(), chosen, chosen.relation) as batches:
        assert batches is not None
        return list(pa.Table.from_batches(batches).to_pylist())


def refusal(url: str, chosen: Selection) -> str:
    """Return what the source says when it refuses."""
    with pytest.raises(PerennialError) as error:
        list(SqlSource(url).read(chosen))
    return str(error.value)


def test_rows_are_those_of_the_plain_stream(server: str) -> None:
    """Every type, each with a null, a tie in the moment, and what sorts differently by language."""
    columns = {
        "i2": "int2",
        "i4": "int4",
        "i8": "int8",
        "o": "oid",
        "f4": "float4",
        "f8": "float8",
        "n": "numeric",
        "v": "varchar(9)",
        "c": "char(4)",
        "id": "uuid",
        "d": "date",
        "b": "bool",
        "seen_at": "timestamptz",
    }
    first = "1, 2, 9007199254740993, 4294967295, 0.1, 'NaN', 0.1, 'Ä', 'ab', '00000000-0000-0000-0000-00000000000f', '0001-01-01'"
    second = "-1, -2, -9223372036854775808, 0, 'inf', '-inf', '-123456789.123456789', 'b', 'a', gen_random_uuid(), '9999-12-31'"
    values = [
        f"{first}, true, '9999-12-31 23:59:59.999999+00'",
        f"{second}, false, '0001-01-01 00:00:00+00'",
        ", ".join(["NULL"] * len(columns)),
        "0, 0, 0, 0, 0, 0, 'NaN', '', '', gen_random_uuid(), '2024-02-29', true, '2024-03-31 02:30+02'",
    ]
    declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    run(
        server,
        f"CREATE TABLE kinds (place text DEFAULT 'a', event_at timestamptz DEFAULT '2024-03-01 02:00+01', {declared})",
        *(f"INSERT INTO kinds ({', '.join(columns)}) VALUES ({value})" for value in values),  # noqa: S608 - our own literals
        "INSERT INTO kinds (place, event_at) VALUES ('B', '2024-03-01 01:00Z'), ('ä', '2024-03-01 01:00Z'), ('a', '2024-03-01Z')",
    )
    chosen = selection("kinds", *columns)
    expected = pa.Table.from_batches(streamed(reading_engine(server), chosen, "kinds")).to_pylist()
    assert list(map(repr, expected)) == list(map(repr, fast(server, chosen)))  # as text, in which NaN equals itself
    assert len(expected) == 7


@pytest.mark.parametrize("kind", ["timestamptz", "date"])
@pytest.mark.parametrize("value", ["infinity", "-infinity", "0044-03-15 BC"])
def test_moments_that_no_calendar_has_are_refused(server: str, kind: str, value: str) -> None:
    """Infinity would otherwise come out as some moment long ago."""
    query = f"SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at, '{value}'::{kind} AS until"
    expected = "query: until: must lie in the years 1 to 9999, holds infinity or what lies outside [SCHEMA_TYPE]"
    assert expected == refusal(server, selection(query, "until"))


def test_text_that_is_not_utf8_is_refused(server: str) -> None:
    """A database in SQL_ASCII holds any bytes, and its server looks at them while it sends them."""
    name = "any_bytes"
    run(server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    url = option(url, client_encoding="utf8")
    run(
        url,
        "CREATE TABLE notes AS SELECT chr(96 + i) AS place, '2024-03-01 01:00Z'::timestamptz AS event_at,"
        r" CASE WHEN i = 3 THEN convert_from('\xff61', 'SQL_ASCII') ELSE 'fine' END AS note FROM generate_series(5, 1, -1) AS i",
    )
    expected = "notes: must hold text in UTF-8, holds other bytes (CharacterNotInRepertoire, SQLSTATE 22021) [DATA_ENCODING]"
    assert expected == refusal(url, selection("notes", "note"))


def test_what_the_server_refuses_in_the_middle_is_not_quoted(server: str) -> None:
    """The message of an error may hold a value; the SQLSTATE says enough."""
    run(
        server,
        "CREATE TABLE halves AS SELECT 'a' AS place, '2024-03-01 00:00Z'::timestamptz AS event_at, i"
        " FROM generate_series(1, 400000) AS i",
    )
    query = "SELECT place, event_at, 1 / (300000 - i) AS riders, repeat('x', 90) AS note FROM halves"
    with pytest.raises(RejectedError) as error:
        list(SqlSource(server).read(selection(query, "riders", "note")))
    expected = "query: the store refuses the statement or the data (DivisionByZero, SQLSTATE 22012) [STORE_REJECTED]"
    assert (expected, "adbc_driver_manager.DataError, SQLSTATE 22012") == (str(error.value), str(error.value.__cause__))


@pytest.fixture
def long(server: str) -> Iterator[str]:
    """The URL of a database with a long table, under an application's name of its own."""
    run(
        server,
        "CREATE TABLE IF NOT EXISTS long AS SELECT 'a' AS place, '2024-03-01 00:00Z'::timestamptz AS event_at,"
        " repeat('x', 400) AS note FROM generate_series(1, 400000)",
    )
    yield option(server, application_name="long read")
    deadline = time.monotonic() + 120
    while run(server, "SELECT FROM pg_stat_activity WHERE application_name = 'long read'"):
        assert time.monotonic() < deadline, "the server still works for a reader that is gone"


@pytest.mark.parametrize("function", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_server_that_ends_the_read_is_unavailable(server: str, long: str, function: str) -> None:
    """It restarts, or somebody cancels: a retry may help."""
    rows = SqlSource(long).read(selection("long", "note"))
    assert next(rows).num_rows > 0
    readers = "pg_stat_activity WHERE application_name = 'long read' AND backend_type = 'client backend'"
    assert run(server, f"SELECT {function}(pid) FROM {readers}") == [(True,)]  # noqa: S608 - our own
    with pytest.raises(UnavailableError, match="STORE_UNAVAILABLE"):
        list(rows)


def test_a_read_that_is_given_up_ends_at_the_server(long: str) -> None:
    """At once, and not when all rows have been sent."""
    rows = SqlSource(long).read(selection("long", "note"))
    next(rows)
    rows.close()  # type: ignore[attr-defined] # a generator


def test_a_read_that_fails_half_way_ends_at_the_server(long: str) -> None:
    """As when the disk is full on our side."""
    rows = SqlSource(long).read(selection("long", "note"))
    with pytest.raises(ZeroDivisionError), closing(rows):  # type: ignore[type-var] # a generator
        assert next(rows).num_rows / 0


def test_a_slow_statement_is_cancelled_when_its_time_is_up(server: str) -> None:
    """The user's own limit, as it stands in the URL."""
    url = option(server, options="-c statement_timeout=100")
    query = "SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at, pg_sleep(10)::text AS note"
    expected = "query: the store could not answer (QueryCanceled, SQLSTATE 57014) [STORE_UNAVAILABLE]"
    assert expected == refusal(url, selection(query, "note"))


def test_where_adbc_cannot_connect_the_stream_reads(server: str) -> None:
    """Its libpq may lack what psycopg's has, such as Kerberos; here psycopg alone is told where the server is."""
    run(server, "CREATE TABLE one AS SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at")
    source = SqlSource(option(server, host="/nowhere"))
    engine = source._engine
    assert isinstance(engine, sa.Engine)

    @sa.event.listens_for(engine, "do_connect")
    def find(_dialect: object, _record: object, _arguments: object, parameters: dict[str, object]) -> None:
        parameters["host"] = sa.make_url(server).query["host"]

    with copying(engine, AdbcConnections(), selection("one"), "one") as batches:
        assert batches is None
    assert pa.Table.from_batches(source.read(selection("one")))["place"].to_pylist() == ["a"]


def table(url: str, name: str) -> Selection:
    """Make a table of one row, and select it."""
    run(url, f"CREATE TABLE {name} AS SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at")
    return selection(name)


def others(url: str, expected: int) -> list[tuple[int, str]]:
    """Return the other connections to the database and what each does, once there are as many as *expected*."""
    query = b"SELECT pid, state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        until = time.monotonic() + 120
        while len(found := connection.execute(query).fetchall()) != expected and time.monotonic() < until:
            time.sleep(0.01)  # a server's process ends a moment after its connection
    assert len(found) == expected
    return found


def test_connections_are_kept_from_one_read_to_the_next(server: str) -> None:
    """Two of them, psycopg's and ADBC's, until the source is closed; nothing of a transaction stays open in between."""
    chosen = table(server, "kept")
    with closing(SqlSource(server, keep=True)) as source:
        seen = []
        for place in ("a", "b"):
            assert pa.Table.from_batches(source.read(chosen))["place"].to_pylist() == [place]
            seen.append(others(server, 2))
            run(server, "UPDATE kept SET place = 'b'")
        assert seen[0] == seen[1]
        assert [state for _, state in seen[0]] == ["idle", "idle"]
    others(server, 0)


def test_a_kept_connection_that_the_server_has_ended_is_replaced(server: str) -> None:
    """As after a restart of the server between two reads."""
    chosen = table(server, "ended")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with closing(SqlSource(server, keep=True)) as source:
        for _ in range(2):
            assert pa.Table.from_batches(source.read(chosen)).num_rows == 1
            run(server, end)


def test_a_read_that_stops_early_does_not_keep_its_connection(server: str) -> None:
    """Its transaction may be in any state. That of the columns, psycopg's, went to its end."""
    chosen = table(server, "early")
    with closing(SqlSource(server, keep=True)) as source:
        rows = source.read(chosen)
        next(rows)
        del rows
        others(server, 1)


def ask(connections: AdbcConnections, engine: sa.Engine, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a read that is one *statement*."""
    with connections.cursor(engine) as cursor:
        assert cursor is not None
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_no_read_on_a_kept_connection_can_write(server: str, reads: int) -> None:
    """Neither the first nor one after others: each transaction is read only by itself."""
    engine = reading_engine(server)
    with closing(AdbcConnections(keep=True)) as connections:
        for _ in range(reads - 1):
            ask(connections, engine, "SELECT 1")
        with pytest.raises(Error) as error:
            ask(connections, engine, "CREATE TABLE written ()")
    assert error.value.sqlstate == psycopg.errors.ReadOnlySqlTransaction.sqlstate
    assert run(server, "SELECT to_regclass('written')") == [(None,)]


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_every_read_on_a_kept_connection_sees_one_moment_of_its_own(server: str, reads: int) -> None:
    """What somebody commits in its middle it does not see, and the next read does."""
    run(server, "CREATE TABLE IF NOT EXISTS moments (n int)", "TRUNCATE moments")
    engine, seen = reading_engine(server), []
    with closing(AdbcConnections(keep=True)) as connections:
        for _ in range(reads):
            with connections.cursor(engine) as cursor:
                assert cursor is not None
                for _ in range(2):
                    cursor.execute("SELECT count(*) FROM moments")
                    seen += cursor.fetchall()
                    run(server, "INSERT INTO moments VALUES (1)")
    assert seen == [(2 * read,) for read in range(reads) for _ in range(2)]


def test_a_new_connection_on_which_no_read_can_begin_is_closed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else holds it, and the server has few."""
    monkeypatch.setattr(adbc_connections, "_READ_ONLY", "SELECT 1 / 0")
    with pytest.raises(Error) as error:
        ask(AdbcConnections(keep=True), reading_engine(server), "SELECT 1")
    assert error.value.sqlstate == psycopg.errors.DivisionByZero.sqlstate
    others(server, 0)  # while the error, and so the connection, is still known here


def test_a_kept_connection_that_another_thread_has_just_taken_is_no_error(server: str) -> None:
    """Between the look at what is kept and the taking of it."""

    class Raced(list[Any]):
        def __bool__(self) -> bool:
            return True

    connections = AdbcConnections(keep=True)
    connections._idle = Raced()
    with closing(connections):
        assert ask(connections, reading_engine(server), "SELECT 1") == [(1,)]


def test_an_index_on_event_at_gives_the_order(server: str) -> None:
    """Then the server sends its first rows at once, and sorts only those of one moment."""
    run(
        server,
        "CREATE TABLE demand AS SELECT 'p' || i % 7 AS place, '2024-03-01 00:00Z'::timestamptz + i * interval '1 s' AS event_at,"
        " random()::numeric AS load FROM generate_series(1, 20000) AS i",
        "CREATE INDEX ON demand (event_at)",
        "ANALYZE demand",
    )
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        statement = _statement(server, selection("demand", "load"))
        seen = [line for (line,) in connection.execute(f"EXPLAIN {statement}".encode())]
    assert [line.partition("  (")[0].strip(" ->") for line in seen if "cost" in line] == [
        "Incremental Sort",
        "Index Scan using demand_event_at_idx on demand",
    ]


def _statement(url: str, chosen: Selection) -> str:
    """Return the statement that is sent, as the server sees it."""
    engine = reading_engine(url)
    types = postgres_rows._types(engine, chosen, "demand")
    kinds = {name: POSTGRES_KINDS[kind] for name, kind in types.items()}
    relation = relation_clause(chosen)
    return postgres_rows._text(select_rows(relation, chosen, kinds, "postgresql", postgres_shown(relation, types)), engine)
