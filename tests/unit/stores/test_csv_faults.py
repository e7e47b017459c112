"""What a CSV file may not hold, and how it is said: with its code, its row, and never with a value."""

from __future__ import annotations

import csv
import gzip
import io
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.core.errors import DataError, PerennialError
from perennial.core.interval import Interval
from perennial.ports import Selection
from perennial.stores.files.csv_quotes import Quotes
from perennial.stores.files.csv_text import CsvText
from perennial.stores.files.folder_source import FileSource
from perennial.stores.files.part import DiskPart

START = datetime(2024, 3, 1, tzinfo=UTC)
AT = "2024-03-01T01:00:00Z"
NUMBER = "must be a number such as -1.5"
MOMENT = "must be a moment in ISO 8601 with an offset or Z"
DECLARED = {"place": "text", "event_at": "moment", "load": "number", "riders": "integer", "open": "boolean", "day": "date"}
HEADER = ",".join(DECLARED)


def read(root: Path, content: str | bytes, name: str = "demand.csv", *, declared: dict[str, str] | None = DECLARED) -> pa.Table:
    """Write a file and read it back."""
    (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    columns = tuple(declared or ("place", "event_at", "load"))
    selection = Selection(
        relation=name,
        columns=columns,
        entity=("place",),
        event_at="event_at",
        available_at=None,
        interval=Interval(START, START + timedelta(days=1)),
        as_of=START + timedelta(days=9),
        declared=declared,
        numeric=("load",),
    )
    return pa.Table.from_batches(FileSource(root).read(selection))


def refusal(root: Path, content: str | bytes, name: str = "demand.csv", *, declared: dict[str, str] | None = DECLARED) -> list[str]:
    """Return the lines of the error that reading raises, without the file's name."""
    with pytest.raises(PerennialError) as error:
        read(root, content, name, declared=declared)
    return [line.removeprefix(f"{name}: ").replace(" (the header is row 1)", "") for line in str(error.value).splitlines()]


def line(**values: object) -> str:
    """Return a good row with changes."""
    good: dict[str, object] = {"place": "north", "event_at": AT, "load": 1.5, "riders": 7, "open": "true", "day": "2024-03-01"}
    return ",".join(str(value) for value in (good | values).values()) + "\n"


@pytest.mark.parametrize("token", ["NA", "N/A", "NULL", "null", "nan", "NaN", "-", "None", "?", "#N/A", "\\N"])
def test_a_word_for_a_missing_number_is_refused(tmp_path: Path, token: str) -> None:
    """Only an empty field is missing; whoever wrote a word may have meant something by it."""
    expected = [f"row 3: load: {NUMBER} or an empty field, holds a word for a missing value [DATA_NULL_TOKEN]"]
    assert expected == refusal(tmp_path, HEADER + "\n" + line() + line(load=token))


def test_a_numeric_feature_that_is_text_only_because_of_such_words_is_refused_without_a_declaration_too(tmp_path: Path) -> None:
    """It would become a text, and the model could not be trained."""
    content = f"place,event_at,load\nnorth,{AT},1.5\nsouth,{AT},NA\n"
    expected = [f"row 3: load: {NUMBER} or an empty field, holds a word for a missing value [DATA_NULL_TOKEN]"]
    assert expected == refusal(tmp_path, content, declared=None)


def test_in_a_column_of_text_such_a_word_is_text(tmp_path: Path) -> None:
    """Namibia's code is NA."""
    assert read(tmp_path, HEADER + "\n" + line(place="NA"))["place"].to_pylist() == ["NA"]


@pytest.mark.parametrize(
    ("column", "kind", "text"),
    [
        ("event_at", MOMENT, "03/04/2024 10:00"),
        ("event_at", MOMENT, "3.4.24"),
        ("event_at", MOMENT, "25-04-2024T10:00Z"),
        ("day", "must be a date such as 2024-03-31", "03/04/2024"),
        ("day", "must be a date such as 2024-03-31", "12-11-10"),
    ],
)
def test_a_date_of_unknown_order_is_refused(tmp_path: Path, column: str, kind: str, text: str) -> None:
    """3/4 is the third of April or the fourth of March; that 25/4 can be only one does not help the others."""
    expected = [
        f"row 2: {column}: {kind}, holds one that does not say which part is the day and which the month [DATA_DATE_AMBIGUOUS]"
    ]
    assert expected == refusal(tmp_path, HEADER + "\n" + line(**{column: text}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"event_at": "2024-03-01T01:00"}, f"event_at: {MOMENT}, holds a timestamp without one [TIME_NAIVE]"),
        ({"event_at": "2024-03-01"}, f"event_at: {MOMENT}, holds a timestamp without one [TIME_NAIVE]"),
        ({"event_at": "45352.5"}, f"event_at: {MOMENT}, holds something else [SCHEMA_TYPE]"),
        ({"event_at": "NULL"}, f"event_at: {MOMENT} or an empty field, holds a word for a missing value [DATA_NULL_TOKEN]"),
        ({"load": "1 500"}, f"load: {NUMBER}, holds something else [SCHEMA_TYPE]"),
        ({"load": '"1,5"'}, f"load: {NUMBER}, holds something else [SCHEMA_TYPE]"),
        ({"load": 2**53 + 1}, f"load: {NUMBER}, holds a whole number too large to keep every digit [DATA_INT_PRECISION]"),
        ({"riders": "7.5"}, "riders: must be a whole number such as 7, holds something else [SCHEMA_TYPE]"),
        (
            {"riders": 2**63},
            "riders: must be a whole number such as 7, holds a whole number too large to keep every digit [DATA_INT_PRECISION]",
        ),
        (
            {"riders": f"{2**53 + 1}.0"},
            "riders: must be a whole number such as 7, holds a whole number too large to keep every digit [DATA_INT_PRECISION]",
        ),
        ({"open": "yes"}, "open: must be true or false, holds something else [SCHEMA_TYPE]"),
        ({"day": "2024-02-30"}, "day: must be a date such as 2024-03-31, holds something else [SCHEMA_TYPE]"),
    ],
)
def test_what_is_no_value_of_its_column_is_named_by_its_row(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    """Each in its own words."""
    assert [f"row 2: {message}"] == refusal(tmp_path, HEADER + "\n" + line(**changes))


def test_values_are_read_as_declared(tmp_path: Path) -> None:
    """Spaces around them do not matter, nor do quotes, nor how a whole number is written; an empty field is missing."""
    rows = [
        line(riders=2**53 + 1, load=2**53),
        line(riders=" 7.0", load=" 1e3", event_at="20240301T020000Z", open="FALSE", day=" 2024-02-29"),
        line(riders="", load='""', event_at='"2024-03-01 03:00:00.000001+00:00"', open="", day=""),
        line(load="-inf", event_at="2024-03-01T05:00:00+01:00"),
    ]
    found = read(tmp_path, HEADER + "\n" + "".join(rows)).to_pydict()
    assert found["riders"] == [2**53 + 1, 7, None, 7]
    assert [2.0**53, 1000.0, None, -math.inf] == found["load"]
    assert found["open"] == [True, False, None, True]
    assert [date(2024, 3, 1), date(2024, 2, 29), None, date(2024, 3, 1)] == found["day"]
    assert [START + timedelta(hours=hour, microseconds=hour == 3) for hour in (1, 2, 3, 4)] == found["event_at"]


def test_a_row_outside_of_the_interval_is_not_judged_where_the_types_are_declared(tmp_path: Path) -> None:
    """What was wrong last year does not stop tonight; without a declaration every value decides about the type."""
    old = line(event_at="2023-03-01T01:00:00Z", load="NA")
    assert read(tmp_path, HEADER + "\n" + line() + old).num_rows == 1


def test_all_faults_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    """Its header's first, then its rows' in their order; the rows are counted as they stand, the ragged ones too."""
    content = (
        "place,event_at,lod,riders,open,open,day\n"
        f"north,{AT},1.5,7,true,true,2024-03-01\n"
        f"north,{AT},1.5,seven,true,true,2024-03-01\n"
        f"north,{AT},1.5\n"
        "north,03/04/2024,1.5,7,true,true,2024-03-01\n"
        f"north,{AT},1.5,7,true,true,2024-03-01,8\n"
        f"north,{AT},1.5,7,true,true,-\n"
    )
    assert refusal(tmp_path, content) == [
        "load: must be there, is not [SCHEMA_MISSING]",
        "open: must stand once, stands twice [SCHEMA_DUPLICATE]",
        "lod: must be declared in columns, is not, did you mean 'load', which is missing? [SCHEMA_EXTRA]",
        "row 3: riders: must be a whole number such as 7, holds something else [SCHEMA_TYPE]",
        "row 4: must have 7 fields like the header, has 3 [CSV_RAGGED]",
        f"row 5: event_at: {MOMENT}, holds one that does not say which part is the day and which the month [DATA_DATE_AMBIGUOUS]",
        "row 6: must have 7 fields like the header, has 8 [CSV_RAGGED]",
        "row 7: day: must be a date such as 2024-03-31 or an empty field, holds a word for a missing value [DATA_NULL_TOKEN]",
    ]


def test_rows_are_counted_across_blocks(tmp_path: Path) -> None:
    """The reader parses 4 MB at a time; that is nobody's business."""
    rows = [line() for _ in range(120_000)]
    rows[7] = "ragged\n"
    rows[110_000] = line(load="NA")
    rows[119_999] = line(riders="x")
    found = refusal(tmp_path, HEADER + "\n" + "".join(rows))
    assert [fault.partition(":")[0] for fault in found] == ["row 9", "row 110002", "row 120001"]


def test_bytes_that_are_no_utf_8_are_named_by_their_offset_and_row(tmp_path: Path) -> None:
    """A line break inside of quotes ends no row."""
    content = f'place,event_at,load\n"über\n,",{AT},1\n'.encode() + f"B\u00e4r,{AT},1\n".encode("latin-1")
    offset = content.index(b"\xe4")
    expected = [f"row 3: must be UTF-8, is not at byte {offset} [DATA_ENCODING]"]
    assert expected == refusal(tmp_path, content, declared={"place": "text", "event_at": "moment", "load": "number"})


def test_the_offset_of_bytes_that_are_no_utf_8_is_found_far_behind(tmp_path: Path) -> None:
    """A sign of several bytes may lie across the border of what is looked at together."""
    good = f"ü,{AT},1\n".encode()
    content = b"place,event_at,load\n" + good * 60_000 + b"\xff" + good
    expected = [f"row 60002: must be UTF-8, is not at byte {content.index(bytes([255]))} [DATA_ENCODING]"]
    assert expected == refusal(tmp_path, content, declared={"place": "text", "event_at": "moment", "load": "number"})


def test_another_encoding_is_refused_by_its_header(tmp_path: Path) -> None:
    """A byte order mark of UTF-16 is no UTF-8."""
    assert refusal(tmp_path, HEADER.encode("utf-16")) == ["row 1: must be UTF-8, is not at byte 0 [DATA_ENCODING]"]


def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path: Path) -> None:
    """Other readers take the rest of the file for one value."""
    content = HEADER + "\n" + line() + line(place='"north') + line() * 3
    assert refusal(tmp_path, content) == ["ends inside of quotes [FILE_CORRUPT]"]
    assert refusal(tmp_path, HEADER + "\n" + line(place='"north').strip()) == ["ends inside of quotes [FILE_CORRUPT]"]


@pytest.mark.parametrize("place", ['"no"rth', 'no"rth', 'no"r"th', '"north" ', ' "north"', '""north'])
def test_a_quote_anywhere_else_is_refused(tmp_path: Path, place: str) -> None:
    """What follows it may be taken for anything: a part of the value, the end of it, or the next rows."""
    (found,) = refusal(tmp_path, HEADER + "\n" + line(place=place) + line())
    message = "must have quotes only around whole values, and doubled inside of them; has another at byte "
    assert found.startswith(message)
    assert (HEADER + "\n" + line(place=place))[int(found.removeprefix(message).split()[0])] == '"'


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.text('a",\r\n ', max_size=4), min_size=2, max_size=3), max_size=4), st.integers(1, 9), st.booleans())
def test_quotes_that_a_writer_set_are_taken_in_any_pieces(rows: list[list[str]], size: int, bare: bool) -> None:
    """And a file that is cut inside of quotes is noticed, wherever a piece ends."""
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_MINIMAL if bare else csv.QUOTE_ALL).writerows(rows)
    content = file.getvalue().encode()
    for at in range(len(content) + 1):
        quotes = Quotes("demand.csv")
        pieces = [content[:at][start : start + size] for start in range(0, at, size)]
        for piece in pieces:
            quotes.check(piece)
        if content[:at].count(b'"') % 2:
            with pytest.raises(DataError):
                quotes.check(b"")
        else:
            quotes.check(b"")


def test_quotes_and_line_breaks_inside_of_values_stay_there(tmp_path: Path) -> None:
    """Also where the file ends without a line break, and where its lines end as on Windows."""
    places = ['a "b" c', "d\r\ne,f", " g "]
    rows = "".join('"' + place.replace('"', '""') + '"' + line()[5:].replace("\n", "\r\n") for place in places)
    assert sorted(places) == read(tmp_path, (HEADER + "\r\n" + rows).removesuffix("\r\n"))["place"].to_pylist()


def test_a_row_that_is_too_long_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    """No value is as long as that."""
    message = "must have rows of at most 4 MB, has a longer one, or a quote that is never closed [DATA_TOO_LARGE]"
    assert [message] == refusal(tmp_path, HEADER + "\n" + line(place="x" * 9_000_000))


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    """A megabyte of names is no header."""
    assert refusal(tmp_path, "x," * 600_000) == ["must have a header of less than 1 MB [DATA_TOO_LARGE]"]


def test_a_packed_file_that_ends_too_early_is_corrupt(tmp_path: Path) -> None:
    """Half of a file is not a shorter one."""
    packed = gzip.compress((HEADER + "\n" + "".join(line(load=number) for number in range(1000))).encode())
    assert refusal(tmp_path, packed[: len(packed) // 2], "demand.csv.gz") == ["cannot be unpacked [FILE_CORRUPT]"]
    assert refusal(tmp_path, HEADER.encode(), "demand.csv.gz") == ["cannot be unpacked [FILE_CORRUPT]"]


def test_a_packed_file_of_several_pieces_is_read_whole(tmp_path: Path) -> None:
    """As ``cat`` makes it out of two."""
    pieces = gzip.compress((HEADER + "\n" + line()).encode()) + gzip.compress(line(riders=8).encode())
    assert read(tmp_path, pieces, "demand.csv.gz")["riders"].to_pylist() == [7, 8]


def test_a_packed_bomb_is_refused_by_what_comes_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its name nor its size says so."""
    monkeypatch.setattr("perennial.stores.files.inflation.FREE_BYTES", 1 << 20)
    packed = gzip.compress((HEADER + "\n" + line() * 200_000).encode())
    expected = [f"must unpack to at most 1 MB and 200 times its size, has {len(packed)} bytes [DATA_TOO_LARGE]"]
    assert expected == refusal(tmp_path, packed, "demand.csv.gz")


def test_a_file_without_a_header_tells_none_of_its_values(tmp_path: Path) -> None:
    """Its first row may be one of data."""
    assert [f"{name}: must be there, is not [SCHEMA_MISSING]" for name in DECLARED] == refusal(tmp_path, line() * 3)


@pytest.mark.parametrize("name", ["demand.csv", "demand.csv.gz"])
def test_a_file_of_nothing_but_ragged_rows_is_given_up(tmp_path: Path, name: str) -> None:
    """Two bytes each, and a fault each: only the first are kept, and the rest is not read."""
    content = ("place,event_at\n" + "x\n" * 300_000).encode()
    packed = gzip.compress(content) if name.endswith("gz") else content
    expected = [f"row {row}: must have 2 fields like the header, has 1 [CSV_RAGGED]" for row in range(2, 22)]
    assert expected == refusal(tmp_path, packed, name, declared={"place": "text", "event_at": "moment"})
    text = CsvText(DiskPart(name, tmp_path / name, (tmp_path / name).stat()), ["place", "event_at"], ("place", "event_at"))
    assert list(text.batches()) == []
    assert (len(text.ragged), text.ragged[-1]) == (10_000, (10_001, 1))


def test_what_was_wrong_before_a_file_is_given_up_is_said(tmp_path: Path) -> None:
    """In its place among the ragged rows."""
    content = HEADER + "\n" + line(load="NA") + line() * 150_000 + "x\n" * 30_000
    found = refusal(tmp_path, content)
    assert f"row 2: load: {NUMBER} or an empty field, holds a word for a missing value [DATA_NULL_TOKEN]" == found[0]
    assert (len(found), found[1]) == (20, "row 150003: must have 6 fields like the header, has 1 [CSV_RAGGED]")
