"""SQLite read through ADBC: the same rows as by the plain stream, and the same refusals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from perennial.core.errors import PerennialError
from perennial.core.interval import Interval
from perennial.ports import Selection
from perennial.stores.sql.connection import reading_engine
from perennial.stores.sql.source import SqlSource
from perennial.stores.sql.sqlite_rows import scanning
from perennial.stores.sql.stream import streamed

START = datetime(2024, 3, 1, tzinfo=UTC)
CHOSEN = Selection(
    relation="demand",
    columns=("place", "event_at", "known_at", "riders", "load", "note"),
    entity=("place",),
    event_at="event_at",
    available_at="known_at",
    interval=Interval(START, START + timedelta(days=1)),
    as_of=START + timedelta(days=1),
)
TABLE = "CREATE TABLE demand (place TEXT, event_at TEXT, known_at TEXT, riders INTEGER, load REAL, note TEXT)"

Row = tuple[object, ...]


def lite(folder: Path, rows: Iterable[Row], table: str = TABLE) -> str:
    """Write *rows* into a new SQLite database and return its URL."""
    connection = sqlite3.connect(folder / "source.db")
    connection.execute(table)
    connection.executemany("INSERT INTO demand VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{folder}/source.db"


def spoil(folder: Path, time: str) -> None:
    """Let the note of the row that happened at *time* hold bytes that are no text."""
    with sqlite3.connect(folder / "source.db") as connection:
        connection.execute("UPDATE demand SET note = CAST(x'ff61' AS TEXT) WHERE instr(event_at, ?)", [time])
    connection.close()


def row(minute: int, place: str = "north", known: int = 0, riders: object = 7, load: object = 0.5, note: object = "dry") -> Row:
    """Return a row that happened *minute* minutes after the start, and was known *known* minutes later."""
    at = START + timedelta(minutes=minute)
    return (place, f"{at:%Y-%m-%dT%H:%M:%S}Z", f"{at + timedelta(minutes=known):%Y-%m-%dT%H:%M:%S}Z", riders, load, note)


def fast(url: str, chosen: Selection = CHOSEN) -> list[dict[str, object]]:
    """Return what ADBC reads; it must be able to."""
    with scanning(reading_engine(url), chosen, "demand") as batches:
        assert batches is not None
        return list(pa.Table.from_batches(batches).to_pylist())


def plain(url: str, chosen: Selection = CHOSEN) -> list[dict[str, object]]:
    """Return what the plain stream reads."""
    return list(pa.Table.from_batches(streamed(reading_engine(url), chosen, "demand")).to_pylist())


def is_left_to_the_stream(url: str, chosen: Selection = CHOSEN) -> bool:
    """Return whether ADBC does not read *chosen*."""
    with scanning(reading_engine(url), chosen, "demand") as batches:
        return batches is None


def refusal(url: str, chosen: Selection = CHOSEN) -> str:
    """Return what the source says when it refuses."""
    with pytest.raises(PerennialError) as error:
        list(SqlSource(url).read(chosen))
    return str(error.value)


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("minutes", [range(-30, 1500), range(1500, -30, -1), [5, 5, 5, 4]], ids=["in order", "reversed", "ties"])
def test_rows_are_those_of_the_plain_stream(tmp_path: Path, minutes: Iterable[int], index: bool) -> None:
    """Those outside, those known too late and those without a moment are left out, in whatever order they stand."""
    rows = [row(minute, f"p{minute % 7}", known=minute % 3 * 400, riders=minute) for minute in minutes]
    url = lite(tmp_path, [*rows, ("late", None, rows[0][2], 1, 1.0, ""), ("late", rows[0][1], None, 1, 1.0, "")])
    if index:
        with sqlite3.connect(tmp_path / "source.db") as connection:
            connection.execute("CREATE INDEX at ON demand (event_at)")
        connection.close()
    expected = plain(url)
    assert (len(expected) >= 3, expected) == (True, fast(url))


def test_values_survive(tmp_path: Path) -> None:
    """Large whole numbers beside nulls, infinity, a NUL in a text, and a column that begins with many nulls."""
    rows = [row(minute, riders=None, load=None, note=None) for minute in range(60)]
    rows += [row(60, riders=2**53 + 1, load=float("inf"), note="a\0b"), row(61, riders=-(2**63), load=-1e-300, note="")]
    url = lite(tmp_path, rows)
    found = fast(url)
    assert [(found[-2][name], found[-1][name]) for name in ("riders", "load", "note")] == [
        (2**53 + 1, -(2**63)),
        (float("inf"), -1e-300),
        ("a\0b", ""),
    ]
    assert found == plain(url)


@pytest.mark.parametrize("padding", [0, 50_000])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"riders": "seven"}, "riders: must be int64, holds a value that is not"),
        ({"riders": 7.5}, "riders: must be int64, holds a value that is not"),
        ({"load": "much"}, "load: must be double, holds a value that is not"),
    ],
)
def test_a_value_of_another_type_is_refused_wherever_it_stands(
    tmp_path: Path, padding: int, bad: dict[str, object], message: str
) -> None:
    """In the first batch or in a later one; the message does not repeat it."""
    _, *rest = row(0)
    rows = [(f"{number:06}", *rest) for number in range(padding)]
    assert refusal(lite(tmp_path, [*rows, row(1, **bad)])) == f"demand: {message} [SCHEMA_TYPE]"  # type: ignore[arg-type] # tests name fields


BAD: dict[str, object] = {"load": "much", "riders": "seven"}
MIXED = "2024-03-01 00:01:00.000+00:00"
"""A moment in another writing than ``row`` has, of its second minute."""


@pytest.mark.parametrize("text", [False, True], ids=["type", "bytes"])
@pytest.mark.parametrize("mixed", [False, True], ids=["one writing", "two writings"])
def test_rows_that_are_not_selected_are_not_judged(tmp_path: Path, mixed: bool, text: bool) -> None:
    """A night that is read again is the same, whatever came between its rows since and was known later."""
    late = row(1, known=2000, **({} if text else BAD))  # type: ignore[arg-type] # tests name fields
    url = lite(tmp_path, [row(0), (late[0], MIXED, *late[2:]) if mixed else late, row(2)])
    if text:
        spoil(tmp_path, "00:01:00")
    assert plain(url) == pa.Table.from_batches(SqlSource(url).read(CHOSEN)).to_pylist()
    assert (len(plain(url)), is_left_to_the_stream(url)) == (2, mixed)


def test_a_row_that_is_refused_is_counted_among_the_selected_ones(tmp_path: Path) -> None:
    """As the plain stream counts them."""
    url = lite(tmp_path, [row(0), row(1, known=2000), row(2)])
    spoil(tmp_path, "00:02:00")
    expected = "demand: note: must be text in UTF-8, is not in row 2 [DATA_ENCODING]"
    assert (expected, False) == (refusal(url), is_left_to_the_stream(url))


@pytest.mark.parametrize("ordered", [True, False])
def test_text_that_is_not_utf8_is_refused_with_its_row(tmp_path: Path, ordered: bool) -> None:
    """Counted in the order in which rows are read."""
    rows = [row(minute) for minute in (range(3) if ordered else (2, 1, 0))]
    url = lite(tmp_path, rows)
    spoil(tmp_path, "00:01:00")
    expected = "demand: note: must be text in UTF-8, is not in row 2 [DATA_ENCODING]"
    assert expected == refusal(url)
    with pytest.raises(PerennialError) as error:
        plain(url)
    assert expected == str(error.value)


@pytest.mark.parametrize(
    "moment", ["yesterday", "2031-13-01T00:00:00Z", "2031-02-30T00:00:00Z", "2031-01-01T00:00:00", b"2031-01-01T00:00:00Z", 7]
)
@pytest.mark.parametrize("at", [1, 2])
def test_a_moment_that_is_none_is_never_overlooked(tmp_path: Path, moment: object, at: int) -> None:
    """Far outside of the interval it is refused as well, in event_at and in available_at."""
    bad = list(row(1))
    bad[at] = moment
    url = lite(tmp_path, [row(0), tuple(bad)], TABLE.replace("at TEXT", "at"))
    assert is_left_to_the_stream(url)
    assert refusal(url).startswith(f"demand: {CHOSEN.columns[at]}: must ")


@pytest.mark.parametrize(
    "table",
    [
        TABLE.replace("load REAL", "load BLOB"),
        TABLE.replace("load REAL", "load"),
        TABLE.replace("note TEXT", "rowid TEXT"),
        TABLE.replace("event_at TEXT", "event_at TEXT PRIMARY KEY") + " WITHOUT ROWID",
    ],
)
def test_tables_that_say_too_little_are_left_to_the_stream(tmp_path: Path, table: str) -> None:
    """Columns without a type that is known, and rows without a number."""
    assert is_left_to_the_stream(lite(tmp_path, [row(0)], table))


def test_views_queries_and_urls_with_options_are_left_to_the_stream(tmp_path: Path) -> None:
    """Only a table of the one file has rows with numbers and declared types."""
    url = lite(tmp_path, [row(0)])
    with sqlite3.connect(tmp_path / "source.db") as connection:
        connection.execute("CREATE VIEW seen AS SELECT * FROM demand")
    connection.close()
    asked = [(url, "seen"), (url, "SELECT * FROM demand"), (url, "main.demand"), (f"{url}?timeout=1", "demand")]
    assert [is_left_to_the_stream(at, replace(CHOSEN, relation=relation)) for at, relation in asked] == [True] * 4


@pytest.mark.parametrize("content", [None, b"no database at all " * 100])
def test_a_file_that_is_no_database_is_rejected(tmp_path: Path, content: bytes | None) -> None:
    """Or is not there."""
    if content:
        (tmp_path / "source.db").write_bytes(content)
    assert "[STORE_REJECTED]" in refusal(f"sqlite:///{tmp_path}/source.db")


def test_unsorted_rows_whose_moments_are_written_in_two_ways_are_left_to_the_stream(tmp_path: Path) -> None:
    """Their text would not sort as they do. Where they stand in order, that does not matter."""
    later = ("b", "2024-03-01 01:00:00+00:00", "2024-03-01 01:00:00+00:00", 1, 1.0, "")
    (tmp_path / "sorted").mkdir()
    (tmp_path / "unsorted").mkdir()
    in_order, out_of_order = lite(tmp_path / "sorted", [row(0), later]), lite(tmp_path / "unsorted", [later, row(0)])
    assert (is_left_to_the_stream(out_of_order), fast(in_order)) == (True, plain(out_of_order))


def test_exact_numbers_keep_every_digit_or_are_refused(tmp_path: Path) -> None:
    """A NUMERIC column holds whole numbers and others; ADBC would round large ones."""
    table = TABLE.replace("load REAL", "load NUMERIC(20, 2)")
    url = lite(tmp_path, [row(0, load=1), row(1, load=1.5), row(2, load=2**60)], table)
    assert [at["load"] for at in fast(url)] == [1.0, 1.5, float(2**60)]
    (tmp_path / "inexact").mkdir()
    message = refusal(lite(tmp_path / "inexact", [row(0, load=1.5), row(1, load=2**53 + 1)], table))
    assert message == "demand: load: must be double, holds a value that is not [SCHEMA_TYPE]"


def test_an_upper_and_lower_case_column_sorts_by_code_point(tmp_path: Path) -> None:
    """Whatever the table's own collation is."""
    table = TABLE.replace("place TEXT", "place TEXT COLLATE NOCASE")
    url = lite(tmp_path, [row(0, place) for place in ("b", "A", "a", "B")], table)
    assert [[at["place"] for at in read(url)] for read in (fast, plain)] == [["A", "B", "a", "b"]] * 2
