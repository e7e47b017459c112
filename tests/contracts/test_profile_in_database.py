"""A profile that is counted inside a database equals the one that is counted from its rows, whatever the rows hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval
from perennial.monitoring.counting.edges import CategoricalEdges, Edges, NumericEdges
from perennial.monitoring.counting.profile import Profile, profile
from perennial.monitoring.counting.reference import reference_profile
from perennial.ports import Among, Profiling, Selection
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.sql.source import SqlSource

START = datetime(2024, 3, 30, tzinfo=UTC)
NIGHTS = Interval(START, START + timedelta(days=3))
DIALECTS = ["postgresql", "sqlite", "duckdb"]
TYPES = {
    "x": ("double precision", "REAL", "DOUBLE"),
    "n": ("bigint", "BIGINT", "BIGINT"),
    "flag": ("boolean", "BOOLEAN", "BOOLEAN"),
    "city": ("text", "TEXT", "VARCHAR"),
    "day": ("date", "DATE", "DATE"),
    "paid_at": ("timestamp with time zone", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
}
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "event_at": pa.timestamp("us", "UTC"),
        "x": pa.float64(),
        "n": pa.int64(),
        "flag": pa.bool_(),
        "city": pa.string(),
        "day": pa.date32(),
        "paid_at": pa.timestamp("us", "UTC"),
    }
)
TEXTS = [
    "",
    " ",
    "   ",
    "a",
    "A",
    "é",
    "\U0001f6b2",
    "\u200d",
    "NaN",
    "None",
    "1",
    "1.0",
    "7",
    "a1",
    "a 1",
    "it's",
    'say "so"',
    "x\\y",
    ":b",
    "%s",
]
NUMBERS = [
    0.0,
    -0.0,
    5e-324,
    0.1,
    0.1 + 2**-56,
    1.0,
    np.nextafter(1.0, 2),
    1e308,
    -1e308,
    1.7976931348623157e308,
    math.inf,
    -math.inf,
]
WHOLE = [0, 1, -1, 7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
CHANGE = datetime(2024, 3, 31, 1, tzinfo=UTC)
"""When Berlin goes from one hour ahead of UTC to two."""
MOMENTS = [
    CHANGE,
    CHANGE - timedelta(microseconds=1),
    datetime(2024, 10, 27, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 0, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 30, tzinfo=UTC),
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2150, 7, 1, tzinfo=UTC),
]
Fill = Callable[[Sequence[dict[str, Any]]], SqlSource]


@cache  # nobody changes them
def hostile() -> list[dict[str, Any]]:
    """Return rows with everything that may be counted wrongly; None in each column, too."""
    rng = np.random.default_rng(1)
    return [
        {
            "id": i,
            "event_at": START + timedelta(minutes=10 * i),
            "x": [None, math.nan, *NUMBERS, *rng.normal(size=20).tolist()][rng.integers(34)],
            "n": [None, *WHOLE][rng.integers(9)],
            "flag": [None, True, False][rng.integers(3)],
            "city": [None, *TEXTS][rng.integers(len(TEXTS) + 1)],
            "day": [None, START.date(), START.date() - timedelta(days=20_000)][rng.integers(3)],
            "paid_at": [None, *MOMENTS][rng.integers(8)],
        }
        for i in range(400)
    ]


def edges(**of: Any) -> Edges:
    """Return all kinds of edges over those columns."""
    known, others = ("a", "", "NaN", "\U0001f6b2", "1", "it's", "x\\y", "%s", ":b"), ("é", "A", "   ", "7")
    found: tuple[NumericEdges | CategoricalEdges, ...] = (
        NumericEdges(column="x", cuts=(-1.0, -0.5, 0.1, 0.5, 1.0), atoms=(0.0,), test_starts=(0, 2)),
        NumericEdges(column="n", cuts=(-1.0, 0.0, 2.0**53), atoms=(7.0,)),
        NumericEdges(column="city", measure="length", cuts=(0.0, 1.0, 3.0), atoms=()),
        NumericEdges(column="paid_at", measure="recency", cuts=(-1.0, 0.0, 1.0, 100.0), atoms=()),
        CategoricalEdges(column="city", values=known, others=others),
        CategoricalEdges(column="city", measure="classes", values=("ascii", "digits"), others=("empty",)),
        CategoricalEdges(column="flag", values=("true",), others=()),
        CategoricalEdges(column="day", values=("2024-03-30",), others=("1969-06-27", "no day")),
        CategoricalEdges(column="paid_at", measure="hour", values=("3", "1"), others=("2",)),
        CategoricalEdges(column="paid_at", measure="weekday", values=("Sunday",), others=("Monday", "Wednesday")),
    )
    return Edges(columns=found, event_at="event_at", timezone="Europe/Berlin", **of)


@pytest.fixture(params=DIALECTS)
def fill(request: pytest.FixtureRequest, tmp_path: Path) -> Fill:
    """Return what makes a table of some rows in a database, and opens it."""
    dialect = str(request.param)
    types = {name: kinds[DIALECTS.index(dialect)] for name, kinds in TYPES.items()}
    moment = TYPES["paid_at"][DIALECTS.index(dialect)]
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    create = f"CREATE TABLE rides (id BIGINT, event_at {moment}, {columns})"

    def filled(rows: Sequence[dict[str, Any]]) -> SqlSource:
        if dialect == "duckdb":
            return _duckdb(tmp_path / "rides.duckdb", create, rows)
        url = f"sqlite:///{tmp_path}/rides.db"
        if dialect == "postgresql":
            server: EmbeddedPostgres = request.getfixturevalue("postgres")
            url = server.url("profiles")
        engine = sa.create_engine(url)
        names = ["id", "event_at", *TYPES]
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS rides")
            connection.exec_driver_sql(create)
            if rows:
                values = ", ".join(f":{name}" for name in names)
                connection.execute(sa.text(f"INSERT INTO rides VALUES ({values})"), [_plain(row, dialect) for row in rows])  # noqa: S608 - our own names
        engine.dispose()
        return SqlSource(url)

    return filled


def _duckdb(path: Path, create: str, rows: Sequence[dict[str, Any]]) -> SqlSource:
    with duckdb.connect(path) as connection:
        connection.execute("BEGIN")  # else each row waits for the disk
        connection.execute("DROP TABLE IF EXISTS rides")
        connection.execute(create)
        if rows:
            connection.register("given", pa.Table.from_pylist(list(rows), schema=SCHEMA))  # row by row takes two seconds
            connection.execute("INSERT INTO rides SELECT * FROM given")
        connection.execute("COMMIT")
    return SqlSource(f"duckdb:///{path}")


def _plain(row: dict[str, Any], dialect: str) -> dict[str, Any]:
    """SQLite has no moments and no days, and keeps NaN as null."""
    if dialect != "sqlite":
        return row
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def selected(*columns: str, interval: Interval = NIGHTS) -> Selection:
    """Return a selection of *columns* beside the key."""
    names = tuple(dict.fromkeys(("id", "event_at", *columns)))
    return Selection(
        relation="rides",
        columns=names,
        entity=("id",),
        event_at="event_at",
        available_at=None,
        interval=interval,
        as_of=interval.end,
    )


def both(source: SqlSource, over: Edges, interval: Interval = NIGHTS) -> tuple[Profile, Profile]:
    """Return the profile as the rows give it, and as the database does."""
    chosen = selected(*over.reads, interval=interval)
    return profile(over, source.read(chosen)), source.profile(chosen, over)


def test_hostile_rows_are_counted_alike(fill: Fill) -> None:
    """Infinities, NaN, the least number, -0.0, integers beyond 2^53, emoji, "NaN", quotes, moments around a change of clocks."""
    expected, found = both(fill(hostile()), edges())
    assert expected.rows == 400
    assert all(min(column[:1]) > 0 for column in expected.counts.values())
    assert expected == found


def test_numbers_as_categories_are_counted_alike(fill: Fill) -> None:
    """By their value: 1 is 1.0, -0.0 is 0, and a text that is no such number is none."""
    over = Edges(
        columns=(
            CategoricalEdges(column="x", values=("0", "1", "1e+308"), others=("0.1", "inf", "-0", "x", "1.0")),
            CategoricalEdges(column="n", values=("7", "9223372036854775807"), others=("01", "-1", "x", "99999999999999999999")),
        )
    )
    expected, found = both(fill(hostile()), over)
    assert expected == found
    assert expected.counts["x"][0] > 0


def test_moments_as_categories_are_counted_alike(fill: Fill) -> None:
    """As Arrow writes them."""
    over = Edges(columns=(CategoricalEdges(column="paid_at", values=("2024-03-31 01:00:00.000000Z",), others=("x", "2024-03-31")),))
    expected, found = both(fill(hostile()), over)
    assert expected == found
    assert expected.counts["paid_at"][0] > 0


def test_truth_values_are_counted_alike_as_numbers(fill: Fill) -> None:
    """False is 0, and true is 1."""
    over = Edges(columns=(NumericEdges(column="flag", cuts=(0.0, 1.0), atoms=(0.0, 1.0)),))
    expected, found = both(fill(hostile()), over)
    assert expected == found


def test_only_the_selected_rows_are_counted(fill: Fill) -> None:
    """Those of the interval, as of its end."""
    night = Interval(START + timedelta(days=1), START + timedelta(days=2))
    expected, found = both(fill(hostile()), edges(), night)
    assert (expected, found.rows) == (found, 144)


@pytest.mark.parametrize(("column", "values"), [("city", ("a", "it's", "%s", ":b", "\U0001f6b2")), ("n", (7, 2**53 + 1))])
def test_only_rows_with_the_wanted_values_are_counted(fill: Fill, column: str, values: tuple[str, ...] | tuple[int, ...]) -> None:
    """As they are read, whether those with the values are asked for or all others; together they are all rows."""
    source, over, rows = fill(hostile()), Edges(columns=edges().columns[:3]), []
    for others in (False, True):
        chosen = replace(selected(*over.reads), among=Among(column=column, values=values, others=others))
        expected, found = profile(over, source.read(chosen)), source.profile(chosen, over)
        assert expected == found
        rows.append(found.rows)
    assert sum(rows) == 400
    assert min(rows) > 40


def test_no_rows_are_a_profile_of_zeros(fill: Fill) -> None:
    """As of an empty night."""
    expected, found = both(fill([]), edges())
    assert expected == found == profile(edges(), [])


def test_no_edges_count_rows_only(fill: Fill) -> None:
    """A model may be watched by nothing."""
    expected, found = both(fill(hostile()), Edges(columns=()))
    assert (expected, found.rows) == (found, 400)


def test_more_columns_and_values_than_one_statement_takes(fill: Fill) -> None:
    """Ten thousand values and a thousand bins, several times over."""
    rng = np.random.default_rng(2)
    table = pa.table({"city": [f"city {i}" for i in range(11_000)] * 2, "x": rng.normal(size=22_000)})
    known = reference_profile(table, numeric=["x"], categorical=["city"], nights=np.repeat([0, 1], 11_000)).edges.columns
    rows = [{**row, "city": f"city {number * 30}"} for number, row in enumerate(hostile())]
    over = Edges(columns=(*known, *(edge.model_copy(update={"column": "n", "measure": None}) for edge in known[:1])))
    expected, found = both(fill(rows), over)
    assert expected == found


def test_a_type_that_cannot_be_counted_is_refused_alike(fill: Fill) -> None:
    """The message says the type, and no value."""
    source, over = fill(hostile()), Edges(columns=(NumericEdges(column="city", cuts=(0.0, 1.0), atoms=()),))
    with pytest.raises(DataError) as error:
        source.profile(selected("city"), over)
    assert str(error.value) == "profile: city: must be a number, got string [SCHEMA_TYPE]"


def test_a_missing_column_is_named(fill: Fill) -> None:
    """As when reading."""
    source, over = fill([]), Edges(columns=(NumericEdges(column="gone", cuts=(0.0, 1.0), atoms=()),))
    with pytest.raises(DataError) as error:
        source.profile(selected("gone"), over)
    assert str(error.value) == "rides: gone: must be there, is not [SCHEMA_MISSING]"


def test_a_query_is_counted_as_well_as_a_table(fill: Fill) -> None:
    """It stands as a subquery."""
    source, over = fill(hostile()), Edges(columns=edges().columns[:1])
    query = replace(selected("x"), relation="SELECT id, event_at, x FROM rides WHERE id < 100")
    assert profile(over, source.read(query)) == source.profile(query, over)


@pytest.mark.parametrize(
    ("column", "value"), [("x", "'NaN'"), ("n", "1.5"), ("city", "x'41'"), ("city", "'a' || char(0)"), ("flag", "'no'")]
)
def test_what_does_not_fit_its_column_is_refused_on_sqlite(tmp_path: Path, column: str, value: str) -> None:
    """Only there can it stand in a table at all."""
    url = f"sqlite:///{tmp_path}/odd.db"
    with sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE rides (id BIGINT, event_at TIMESTAMP, x REAL, n BIGINT, city TEXT, flag BOOLEAN)")
        connection.exec_driver_sql(f"INSERT INTO rides (id, event_at, {column}) VALUES (1, '2024-03-30T05:00:00Z', {value})")  # noqa: S608 - this file's own
    over = Edges(columns=(CategoricalEdges(column=column, values=("a",), others=()),))
    with pytest.raises(DataError) as error:
        SqlSource(url).profile(selected(column), over)
    allowed = "must hold values of one type, and no text with a NUL, to be counted in the database"
    assert str(error.value) == f"rides: {column}: {allowed} [SCHEMA_TYPE]"


def test_a_row_without_a_readable_moment_is_refused_on_sqlite(tmp_path: Path) -> None:
    """Nobody can say whether it lies in the interval."""
    url = f"sqlite:///{tmp_path}/odd.db"
    with sa.create_engine(url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE rides (id BIGINT, event_at TIMESTAMP)")
        connection.exec_driver_sql("INSERT INTO rides VALUES (1, 'yesterday')")
    with pytest.raises(DataError) as error:
        SqlSource(url).profile(selected(), Edges(columns=()))
    assert str(error.value) == "rides: event_at: must hold moments in ISO 8601 with an offset or Z [SCHEMA_TYPE]"


def test_another_dialect_is_refused() -> None:
    """Nothing is counted where nobody knows that it is counted right."""
    source = SqlSource("sqlite://")
    source._engine = sa.create_mock_engine("mysql://", lambda *_: None)  # type: ignore[assignment] # no such driver is installed
    with pytest.raises(RejectedError) as error:
        source.profile(selected(), Edges(columns=()))
    assert str(error.value) == "rides: must be one of postgresql, sqlite, duckdb to count inside, is mysql [STORE_REJECTED]"


def test_a_database_is_a_source_that_can_profile() -> None:
    """The port says who can."""
    assert isinstance(SqlSource("sqlite://"), Profiling)
