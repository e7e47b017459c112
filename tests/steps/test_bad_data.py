"""Promise 18, case by case: what arrives wrong is met by the step that reads it, with its code, its place and its row."""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.receipts import Action, Purpose, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Selection, Stores
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.validate import validate
from perennial.stores.files.folder_source import FileSource
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Spoil = Callable[[list[str]], object]
NIGHT = 31
COLUMNS = {
    "city": "text",
    "event_at": "moment",
    "available_at": "moment",
    "temperature": "number",
    "humidity": "number",
    "wet": "integer",
}
MOMENT = "must be a moment in ISO 8601 with an offset or Z"
NUMBER = "must be a number such as -1.5"
WHOLE = "must be a whole number such as 7"


@pytest.fixture
def on_files(define: Define) -> Define:
    """Return the small definition over files, with the columns of its source declared, with changes."""
    source = {"table": None, "path": "conditions.csv", "columns": COLUMNS}
    labels = {"table": None, "path": "rides.parquet"}
    return lambda **changes: define(**{"source": source, "label": {"source": labels}} | changes)


@pytest.fixture
def files(tables: dict[str, pa.Table], tmp_path: Path) -> Path:
    """Return a folder with the night's conditions in CSV and all rides in Parquet."""
    folder = tmp_path / "files"
    folder.mkdir()
    pa_csv.write_csv(of_night(tables["conditions"]).select(list(COLUMNS)), folder / "conditions.csv")
    pq.write_table(tables["rides"], folder / "rides.parquet")
    return folder


@pytest.fixture
def file_stores(stores: Stores, files: Path) -> Stores:
    """Stores whose source is that folder."""
    return replace(stores, source=lambda _: FileSource(files))


def of_night(rows: pa.Table) -> pa.Table:
    """Return the rows of the night."""
    at = rows.column("event_at")
    start, end = (pa.scalar(moment, at.type) for moment in (night(NIGHT).start, night(NIGHT).end))
    return rows.filter(pc.and_(pc.greater_equal(at, start), pc.less(at, end)))


def extracted(definition: Definition, stores: Stores) -> Snapshot:
    """Extract the night."""
    return extract(definition, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1))


def validated(definition: Definition, stores: Stores) -> Validation:
    """Extract and validate the night."""
    return validate(definition, night(NIGHT), stores, snapshot=extracted(definition, stores))


def said(definition: Definition, stores: Stores) -> list[str]:
    """Return the lines of the error that extracting the night raises, each without the file's name; nothing was recorded."""
    with pytest.raises(DataError) as error:
        extracted(definition, stores)
    assert stores.ledger.history(Snapshot, definition.name) == []
    found = str(error.value).replace("conditions.csv: ", "").replace("conditions.parquet: ", "")
    return found.replace(" (the header is row 1)", "").splitlines()


def fields(column: str, value: str, row: int = 5) -> Spoil:
    """Return what writes *value* into a column of a row."""

    def spoil(lines: list[str]) -> None:
        parts = lines[row - 1].split(",")
        parts[list(COLUMNS).index(column)] = value
        lines[row - 1] = ",".join(parts)

    return spoil


def header(old: str, new: str) -> Spoil:
    """Return what changes the header."""

    def spoil(lines: list[str]) -> None:
        lines[0] = lines[0].replace(f'"{old}"', new)

    return spoil


def more(text: str, row: int = 5) -> Spoil:
    """Return what adds *text* to a row."""

    def spoil(lines: list[str]) -> None:
        lines[row - 1] += text

    return spoil


def fewer(lines: list[str]) -> None:
    """Cut two fields off row 5."""
    lines[4] = lines[4].rsplit(",", 2)[0]


CASES: dict[str, tuple[Spoil, list[str]]] = {
    "a missing column": (
        header("humidity", '"humid"'),
        [
            "humidity: must be there, is not [SCHEMA_MISSING]",
            "humid: must be declared in columns, is not, did you mean 'humidity', which is missing? [SCHEMA_EXTRA]",
        ],
    ),
    "a column twice": (header("humidity", '"humidity","humidity"'), ["humidity: must stand once, stands twice [SCHEMA_DUPLICATE]"]),
    "another type": (fields("temperature", "warm"), [f"row 5: temperature: {NUMBER}, holds something else [SCHEMA_TYPE]"]),
    "a field too many": (more(",1"), ["row 5: must have 6 fields like the header, has 7 [CSV_RAGGED]"]),
    "a field too few": (fewer, ["row 5: must have 6 fields like the header, has 4 [CSV_RAGGED]"]),
    "NA for a missing value": (
        fields("temperature", "NA"),
        [f"row 5: temperature: {NUMBER} or an empty field, holds a word for a missing value [DATA_NULL_TOKEN]"],
    ),
    "a whole number that loses a digit": (
        fields("temperature", str(2**53 + 1)),
        [f"row 5: temperature: {NUMBER}, holds a whole number too large to keep every digit [DATA_INT_PRECISION]"],
    ),
    "a whole number that became a float": (
        fields("wet", f"{2**53 + 1}.0"),
        [f"row 5: wet: {WHOLE}, holds a whole number too large to keep every digit [DATA_INT_PRECISION]"],
    ),
    "a date in unknown order": (
        fields("event_at", "03/04/2024 10:00"),
        [f"row 5: event_at: {MOMENT}, holds one that does not say which part is the day and which the month [DATA_DATE_AMBIGUOUS]"],
    ),
    "a timestamp without a timezone": (
        fields("event_at", "2024-04-01T03:00"),
        [f"row 5: event_at: {MOMENT}, holds a timestamp without one [TIME_NAIVE]"],
    ),
    "an open quote": (
        fields("city", '"north'),
        ["must have quotes only around whole values, and doubled inside of them; has another at byte 368 [FILE_CORRUPT]"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_promise_18_what_is_wrong_with_a_file_is_told_by_extract(
    on_files: Define, file_stores: Stores, files: Path, case: str
) -> None:
    """With its code and its row, and nothing of it is kept."""
    spoil, expected = CASES[case]
    path = files / "conditions.csv"
    lines = path.read_text().splitlines()
    spoil(lines)
    path.write_text("\n".join(lines) + "\n")
    assert said(on_files(), file_stores)[: len(expected)] == expected


def test_promise_18_all_that_is_wrong_with_a_file_is_told_at_once(on_files: Define, file_stores: Stores, files: Path) -> None:
    """Whoever repairs it does so once."""
    path = files / "conditions.csv"
    lines = path.read_text().splitlines()
    for spoil in (
        header("wet", '"rain"'),
        fields("temperature", "-", 3),
        fewer,
        fields("event_at", "2024-04-01", 7),
        fields("humidity", "50%", 9),
    ):
        spoil(lines)
    path.write_text("\n".join(lines) + "\n")
    assert [line.rpartition("[")[2].rstrip("]") for line in said(on_files(), file_stores)] == [
        "SCHEMA_MISSING",
        "SCHEMA_EXTRA",
        "DATA_NULL_TOKEN",
        "CSV_RAGGED",
        "TIME_NAIVE",
        "SCHEMA_TYPE",
    ]


def test_promise_18_bytes_that_are_no_utf_8_are_told_by_their_offset_and_row(
    on_files: Define, file_stores: Stores, files: Path
) -> None:
    """As a file in Latin-1 has them."""
    path = files / "conditions.csv"
    content = path.read_bytes().splitlines(keepends=True)
    content[4] = content[4][:1] + b"\xfc" + content[4][1:]
    path.write_bytes(b"".join(content))
    offset = sum(map(len, content[:4])) + 1
    assert [f"row 5: must be UTF-8, is not at byte {offset} [DATA_ENCODING]"] == said(on_files(), file_stores)


def test_promise_18_a_truncated_file_is_corrupt(on_files: Define, file_stores: Stores, files: Path) -> None:
    """The footer of a Parquet file is at its end."""
    content = (files / "rides.parquet").read_bytes()
    (files / "conditions.parquet").write_bytes(content[: len(content) // 2])
    definition = on_files(source={"table": None, "path": "conditions.parquet"})
    assert said(definition, file_stores) == ["is no Parquet file that can be read [FILE_CORRUPT]"]


def test_promise_16_files_that_unpack_to_too_much_are_refused(
    on_files: Define, file_stores: Stores, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A packed text, and a Parquet file of one long text that is repeated."""
    monkeypatch.setattr("perennial.stores.files.inflation.FREE_BYTES", 1 << 20)
    lines = (files / "conditions.csv").read_bytes().splitlines(keepends=True)
    with gzip.open(files / "conditions.csv.gz", "wb") as file:
        file.write(lines[0] + lines[1] * 100_000)
    packed = on_files(source={"table": None, "path": "conditions.csv.gz"})
    (line,) = said(packed, file_stores)
    assert line.endswith("[DATA_TOO_LARGE]")
    rows = 100_000
    table = {
        "city": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 2700]),
        "event_at": pa.array([night(NIGHT).start] * rows, pa.timestamp("us", tz="UTC")),
        "available_at": pa.array([night(NIGHT).start] * rows, pa.timestamp("us", tz="UTC")),
        **{name: pa.array([1.0] * rows) for name in ("temperature", "humidity", "wet")},
    }
    pq.write_table(pa.table(table), files / "conditions.parquet", compression="zstd")
    size = (files / "conditions.parquet").stat().st_size
    (line,) = said(on_files(source={"table": None, "path": "conditions.parquet"}), file_stores)
    assert line == f"must unpack to at most 1 MB and 200 times its size, has {size} bytes [DATA_TOO_LARGE]"


class Careless:
    """A source that does not look at what it was asked for."""

    def __init__(self, rows: pa.Table) -> None:
        """Yield *rows*, whatever is asked for."""
        self._rows = rows

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield all of them."""
        yield from self._rows.select(selection.columns).combine_chunks().to_batches()


@pytest.mark.parametrize(
    ("late", "early", "codes"),
    [
        (timedelta(days=3), timedelta(0), [Code.TIME_FUTURE]),
        (timedelta(0), timedelta(days=3), [Code.TIME_OUT_OF_INTERVAL]),
        (timedelta(days=3), timedelta(days=3), [Code.TIME_OUT_OF_INTERVAL, Code.TIME_FUTURE]),
    ],
)
def test_promise_18_a_source_that_yields_other_rows_is_not_believed(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table], late: timedelta, early: timedelta, codes: list[Code]
) -> None:
    """Rows from the future, and rows of another night, are told by their position."""
    rows = of_night(tables["conditions"])
    known = pc.add(rows.column("available_at"), pa.scalar(late, pa.duration("us")))
    happened = pc.subtract(rows.column("event_at"), pa.scalar(early, pa.duration("us")))
    moved = rows.set_column(rows.column_names.index("available_at"), "available_at", known)
    moved = moved.set_column(rows.column_names.index("event_at"), "event_at", happened)
    with pytest.raises(DataError) as error:
        extracted(definition, replace(stores, source=lambda _: Careless(moved)))
    assert [(code, "conditions: row 0") for code in codes] == [(fault.code, fault.where) for fault in error.value.faults]


def test_promise_12_no_rows_are_no_good_night(on_files: Define, file_stores: Stores, files: Path) -> None:
    """A file with a header and nothing else."""
    path = files / "conditions.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    validation = validated(on_files(), file_stores)
    assert (validation.verdict, validation.rows) == (Verdict.FAIL, 0)
    assert "0 rows, at least 20 needed" in [finding.sentence for finding in validation.findings if not finding.success]


def test_promise_18_rows_that_stand_twice_are_quarantined(on_files: Define, file_stores: Stores, files: Path) -> None:
    """Which of the two is right, nobody knows, so neither is used."""
    path = files / "conditions.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[7]]) + "\n")
    validation = validated(on_files(quality={"tolerated": "20%"}), file_stores)
    kept = pq.read_table(io.BytesIO(file_stores.artifacts.get(validation.quarantine or "")))
    assert kept.column("_position").to_pylist() == [6, 7]
    assert {reason for row in kept.column("_reasons").to_pylist() for reason in row} == {"the same entity and event stand twice"}


@pytest.mark.parametrize("value", ["-200", "-999", "287.15", "75.2"])
def test_promise_18_sentinels_and_other_units_are_quarantined(
    on_files: Define, file_stores: Stores, files: Path, value: str
) -> None:
    """-200 and -999 for a lost value, kelvin, Fahrenheit: rows of that night that no expectation lets through."""
    path = files / "conditions.csv"
    lines = path.read_text().splitlines()
    for row in (3, 9):
        fields("temperature", value, row)(lines)
    path.write_text("\n".join(lines) + "\n")
    validation = validated(on_files(), file_stores)
    assert (validation.verdict, validation.quarantined) == (Verdict.FAIL, 2)
    assert "temperature: 2 of 24 rows are outside -25 .. 35" in [finding.sentence for finding in validation.findings]


def test_promise_18_a_flood_of_categories_is_a_data_fault(on_files: Define, file_stores: Stores, files: Path) -> None:
    """A column whose values were few names every row."""
    rows = 1_500
    start = night(NIGHT).start
    at = [start + timedelta(seconds=number) for number in range(rows)]
    flood = {
        "city": ["north"] * rows,
        "event_at": pa.array(at, pa.timestamp("us", tz="UTC")),
        "available_at": pa.array(at, pa.timestamp("us", tz="UTC")),
        "temperature": [11.5] * rows,
        "humidity": [50.0] * rows,
        "wet": [0] * rows,
        "station": [f"station {number}" for number in range(rows)],
    }
    pq.write_table(pa.table(flood), files / "conditions.parquet")
    source = {"table": None, "path": "conditions.parquet"}
    definition = on_files(source=source, features={"categorical": ["station"]})
    validation = validated(definition, file_stores)
    told = [finding.sentence for finding in validation.findings if not finding.success]
    assert validation.verdict is Verdict.FAIL
    assert told == ["station: 1500 different values in 1500 rows, at most 1000 are taken [DATA_CARDINALITY]"]


@pytest.mark.parametrize(
    ("value", "code"), [(math.inf, Code.DATA_NONFINITE), (None, Code.DATA_EMPTY), (7.0, Code.TRAIN_DEGENERATE)]
)
def test_promise_18_a_target_that_teaches_nothing_trains_nothing(
    define: Define,
    stores: Stores,
    tables: dict[str, pa.Table],
    retrained: Callable[[Definition, Stores, datetime], Any],
    value: float | None,
    code: Code,
) -> None:
    """An infinite, a missing and a constant one, where no expectation speaks about it."""
    rides = tables["rides"]
    spoilt = pa.array([value] * rides.num_rows, pa.float64())
    tables["rides"] = rides.set_column(rides.column_names.index("rides"), "rides", spoilt)
    kept = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "wet"}}
    with pytest.raises(DataError) as error:
        retrained(define(expectations=[kept]), stores, day(30))
    assert error.value.code == code


def test_promise_18_a_file_at_fault_publishes_nothing(on_files: Define, championed: Stores, files: Path) -> None:
    """The night before stays; the next good file is scored."""
    path = files / "conditions.csv"
    good = path.read_text()
    on_disk = replace(championed, source=lambda _: FileSource(files))
    path.write_text(good.replace("Z,", ",", 1))
    with pytest.raises(DataError, match="TIME_NAIVE"):
        score(on_files(), night(NIGHT), on_disk, as_of=day(NIGHT + 1))
    assert on_disk.ledger.predictions("bikes_small", within=night(NIGHT)).num_rows == 0
    path.write_text(good)
    assert score(on_files(), night(NIGHT), on_disk, as_of=day(NIGHT + 1)).action is not Action.QUARANTINE
    assert on_disk.ledger.predictions("bikes_small", within=night(NIGHT)).num_rows == 24
