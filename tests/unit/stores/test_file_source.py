"""What only files do."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.errors import PerennialError, UnavailableError
from perennial.core.interval import Interval
from perennial.ports import Selection
from perennial.stores.files.csv_part import land_csv
from perennial.stores.files.folder_source import FileSource
from perennial.stores.files.landed import Landed
from perennial.stores.files.part import FilePart
from perennial.testing.selection import selection

START = datetime(2024, 3, 1, tzinfo=UTC)
HEADER = "place,event_at,riders\n"
ROW = "north,2024-03-01T01:00:00Z,7\n"


def read(root: Path, relation: str, *values: str) -> pa.Table:
    """Return *values* (or riders) of one day."""
    return pa.Table.from_batches(FileSource(root).read(selection(relation, *(values or ("riders",)))))


def refusal(root: Path, relation: str, *values: str) -> str:
    """Return the message of the error that reading raises."""
    with pytest.raises(PerennialError) as error:
        read(root, relation, *values)
    return str(error.value)


def parquet(path: Path, **columns: object) -> None:
    """Write one row with a place, a moment and *columns*."""
    moment = pa.array([START], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"place": ["north"], "event_at": moment} | columns), path)


@pytest.mark.parametrize("relation", ["../outside/demand.csv", "inner/../../outside/demand.csv", "link.csv", "linked"])
def test_nothing_outside_of_the_root_is_read(tmp_path: Path, relation: str) -> None:
    """Neither dots nor links lead out."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "inner").mkdir(parents=True)
    outside.mkdir()
    (outside / "demand.csv").write_text(HEADER + ROW)
    (root / "link.csv").symlink_to(outside / "demand.csv")
    (root / "linked").symlink_to(outside)
    assert f"{relation}: must lie below the connection's folder [STORE_ESCAPE]" == refusal(root, relation)
    absolute = str(outside / "demand.csv")
    assert f"{absolute}: must lie below the connection's folder [STORE_ESCAPE]" == refusal(root, absolute)


def test_a_part_that_links_outside_is_refused(tmp_path: Path) -> None:
    """A folder is not read around it."""
    root = tmp_path / "root"
    (root / "demand").mkdir(parents=True)
    (root / "demand" / "a.csv").write_text(HEADER + ROW)
    (tmp_path / "secret.csv").write_text(HEADER + ROW)
    (root / "demand" / "b.csv").symlink_to(tmp_path / "secret.csv")
    assert refusal(root, "demand") == "demand: must lie below the connection's folder [STORE_ESCAPE]"


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    """Only leaving is forbidden."""
    (tmp_path / "2024.csv").write_text(HEADER + ROW)
    (tmp_path / "newest.csv").symlink_to("2024.csv")
    assert read(tmp_path, "newest.csv")["riders"].to_pylist() == [7]


@pytest.mark.parametrize("name", ["empty", "readme.txt", "missing.csv"])
def test_what_holds_no_table_is_refused(tmp_path: Path, name: str) -> None:
    """An empty folder, another kind of file and nothing at all are one fault."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "readme.txt").touch()
    message = "must be a .parquet, .csv, .csv.gz or .csv.zst file, or a folder that holds some [STORE_REJECTED]"
    assert f"{name}: {message}" == refusal(tmp_path, name)


CHANGED = "demand.csv: was changed while it was read [STORE_UNAVAILABLE]"


def test_a_file_that_is_written_to_while_it_is_read_is_not_taken_for_whole(tmp_path: Path) -> None:
    """It was cut between two rows, and looked well."""
    path = tmp_path / "demand.csv"
    path.write_text(HEADER + ROW)
    rows = FileSource(tmp_path).read(selection("demand.csv", "riders"))
    assert next(rows).num_rows == 1
    with path.open("a") as file:
        file.write(ROW)
    with pytest.raises(UnavailableError) as error:
        list(rows)
    assert str(error.value) == CHANGED
    assert error.value.fix == "Write under a name that begins with a dot or an underscore, and rename the file when it is whole."


def test_a_file_that_is_replaced_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Also by one of the same size and time: it is looked at several times, and those would be of two files."""
    old, new = tmp_path / "demand.csv", tmp_path / "_new.csv"
    for path in (old, new):
        path.write_text(HEADER + ROW)
        os.utime(path, ns=(1, 1))
    rows = FileSource(tmp_path).read(selection("demand.csv", "riders"))
    next(rows)
    new.rename(old)
    with pytest.raises(UnavailableError) as error:
        list(rows)
    assert str(error.value) == CHANGED


def test_a_file_that_is_overwritten_in_place_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Its size stays, its time does not."""
    path = tmp_path / "demand.csv"
    path.write_text(HEADER + ROW)
    os.utime(path, ns=(1, 1))
    rows = FileSource(tmp_path).read(selection("demand.csv", "riders"))
    next(rows)
    path.write_text(HEADER + ROW.replace("7", "8"))
    with pytest.raises(UnavailableError) as error:
        list(rows)
    assert str(error.value) == CHANGED


def test_what_seems_wrong_with_a_file_that_is_being_written_is_not_its_owners_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was cut in its middle a moment ago may be whole at the next try."""
    path = tmp_path / "demand.csv"
    path.write_text(HEADER + ROW + "north,2024-03")

    def land_while_written(part: FilePart, chosen: Selection, folder: Path) -> Landed:
        try:
            return land_csv(part, chosen, folder)
        finally:
            path.write_text(HEADER + ROW * 2)

    cut = "demand.csv: row 3 (the header is row 1): must have 3 fields like the header, has 2 [CSV_RAGGED]"
    assert refusal(tmp_path, "demand.csv") == cut
    monkeypatch.setattr("perennial.stores.files.rows.land_csv", land_while_written)
    assert refusal(tmp_path, "demand.csv") == CHANGED
    monkeypatch.undo()
    assert read(tmp_path, "demand.csv").num_rows == 2


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_parquet_file_is_corrupt(tmp_path: Path, keep: float) -> None:
    """However much of it arrived."""
    parquet(tmp_path / "demand.parquet", riders=[7])
    content = (tmp_path / "demand.parquet").read_bytes()
    (tmp_path / "demand.parquet").write_bytes(content[: int(len(content) * keep)])
    assert refusal(tmp_path, "demand.parquet") == "demand.parquet: is no Parquet file that can be read [FILE_CORRUPT]"


def test_a_parquet_file_with_damaged_pages_is_corrupt(tmp_path: Path) -> None:
    """Its footer alone does not make it readable."""
    parquet(tmp_path / "demand.parquet", riders=[7])
    content = bytearray((tmp_path / "demand.parquet").read_bytes())
    content[4:200] = bytes(196)
    (tmp_path / "demand.parquet").write_bytes(content)
    assert refusal(tmp_path, "demand.parquet") == "demand.parquet: place: is no Parquet file that can be read [FILE_CORRUPT]"


def test_parquet_types_become_the_few_that_rows_have(tmp_path: Path) -> None:
    """Dictionaries are decoded, narrow numbers widened, moments brought to UTC microseconds."""
    moment = pa.array([1_709_251_200_123_456_000], pa.timestamp("ns", tz="Europe/Berlin"))
    table = pa.table(
        {
            "place": pa.array(["north"]).dictionary_encode(),
            "event_at": pa.array([START], pa.timestamp("ms", tz="America/New_York")),
            "riders": pa.array([7], pa.uint8()),
            "load": pa.array([0.5], pa.float32()),
            "price": pa.array([Decimal("1.25")]),
            "seen": moment,
            "word": pa.array(["x"], pa.large_string()),
        }
    )
    pq.write_table(table, tmp_path / "demand.parquet")
    found = read(tmp_path, "demand.parquet", "riders", "load", "price", "seen", "word")
    instant = pa.timestamp("us", tz="UTC")
    assert [pa.string(), instant, pa.int64(), pa.float64(), pa.float64(), instant, pa.string()] == found.schema.types
    seen = datetime(2024, 3, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert [["north"], [START], [7], [0.5], [1.25], [seen], ["x"]] == [column.to_pylist() for column in found.columns]


@pytest.mark.parametrize("column", ["riders", "event_at"])
def test_moments_finer_than_microseconds_are_refused_rather_than_cut(tmp_path: Path, column: str) -> None:
    """Two events a nanosecond apart must not become one."""
    fine = pa.array([1_709_251_200_123_456_789], pa.timestamp("ns", tz="UTC"))
    columns = {"place": pa.array(["north"]), "event_at": pa.array([START], pa.timestamp("us", tz="UTC")), "riders": pa.array([7])}
    pq.write_table(pa.table(columns | {column: fine}), tmp_path / "demand.parquet")
    expected = f"demand.parquet: {column}: must be timestamp[us, tz=UTC], holds a value that is not [SCHEMA_TYPE]"
    assert expected == refusal(tmp_path, "demand.parquet")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "+02:00", "America/New_York"])
def test_an_interval_cuts_alike_in_every_unit_and_timezone(tmp_path: Path, unit: str, zone: str) -> None:
    """Whether the reader can compare by itself or not, to the microsecond."""
    kind = pa.timestamp(unit, tz=zone)
    moments = pa.array([START + timedelta(seconds=number) for number in range(-2, 4)], pa.timestamp("us", tz="UTC"))
    table = pa.table({"place": ["north"] * 6, "event_at": moments.cast(kind), "riders": [-2, -1, 0, 1, 2, 3]})
    pq.write_table(table, tmp_path / "demand.parquet", row_group_size=1)
    for start, end, expected in [(0, 2, [0, 1]), (-0.5, 1.000001, [0, 1]), (0.000001, 2, [1])]:
        interval = Interval(START + timedelta(seconds=start), START + timedelta(seconds=end))
        as_of = datetime.max.replace(tzinfo=UTC)
        batches = FileSource(tmp_path).read(replace(selection("demand.parquet", "riders"), interval=interval, as_of=as_of))
        assert expected == pa.Table.from_batches(batches)["riders"].to_pylist()


def test_what_the_statistics_exclude_is_not_read(tmp_path: Path) -> None:
    """Damage in a row group of another day does not matter, since that group is skipped."""
    moments = pa.array([START, START + timedelta(days=2)], pa.timestamp("us", tz="UTC"))
    table = pa.table({"place": ["north", "south"], "event_at": moments, "riders": [7, 8]})
    path = tmp_path / "demand.parquet"
    pq.write_table(table, path, row_group_size=1)
    group = pq.ParquetFile(path).metadata.row_group(1)
    content = bytearray(path.read_bytes())
    first = group.column(0).dictionary_page_offset
    content[first : first + 100] = bytes(100)
    path.write_bytes(content)
    assert read(tmp_path, "demand.parquet")["riders"].to_pylist() == [7]


def test_parts_may_hold_whole_and_other_numbers(tmp_path: Path) -> None:
    """A writer that met a null in one part may have made all of that part's numbers floats."""
    (tmp_path / "demand").mkdir()
    parquet(tmp_path / "demand" / "a.parquet", riders=[7])
    parquet(tmp_path / "demand" / "b.parquet", riders=[7.5])
    parquet(tmp_path / "demand" / "c.parquet", riders=pa.nulls(1))
    riders = read(tmp_path, "demand")["riders"]
    assert (pa.float64(), [7, 7.5, None]) == (riders.type, riders.to_pylist())


def test_parts_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """A number in one part and a text in another are not guessed at."""
    (tmp_path / "demand").mkdir()
    parquet(tmp_path / "demand" / "a.parquet", riders=[7])
    (tmp_path / "demand" / "b.csv").write_text(HEADER + "north,2024-03-01T01:00:00Z,seven\n")
    assert refusal(tmp_path, "demand") == "demand: riders: must have one type, has another in each part [SCHEMA_TYPE]"


def test_ragged_rows_are_named_at_once(tmp_path: Path) -> None:
    """Too many and too few fields are refused, by their row and without their content."""
    (tmp_path / "demand.csv").write_text(HEADER + ROW + "north,2024-03-01T02:00:00Z\n" + ROW + "secret,2024-03-01T02:00:00Z,7,8\n")
    assert refusal(tmp_path, "demand.csv") == (
        "demand.csv: row 3 (the header is row 1): must have 3 fields like the header, has 2 [CSV_RAGGED]\n"
        "demand.csv: row 5 (the header is row 1): must have 3 fields like the header, has 4 [CSV_RAGGED]"
    )


def test_a_file_of_ragged_rows_gives_twenty_faults(tmp_path: Path) -> None:
    """A message of a million lines helps nobody."""
    (tmp_path / "demand.csv").write_text(HEADER + "north\n" * 1000)
    assert len(refusal(tmp_path, "demand.csv").splitlines()) == 20


def test_only_the_empty_field_is_null(tmp_path: Path) -> None:
    """NA is a place like any other, and so is what stands in quotes."""
    rows = "".join(f"{place},2024-03-01T0{hour}:00:00Z,\n" for hour, place in enumerate(["NA", "null", "nan", "", '""']))
    (tmp_path / "demand.csv").write_text(HEADER + rows)
    assert read(tmp_path, "demand.csv")["place"].to_pylist() == ["NA", "null", "nan", None, ""]


def test_whole_numbers_beside_an_empty_field_keep_their_digits(tmp_path: Path) -> None:
    """They are never floats."""
    (tmp_path / "demand.csv").write_text(HEADER + "a,2024-03-01T01:00:00Z,9007199254740993\na,2024-03-01T02:00:00Z,\n")
    riders = read(tmp_path, "demand.csv")["riders"]
    assert (pa.int64(), [9007199254740993, None]) == (riders.type, riders.to_pylist())


def test_a_byte_order_mark_belongs_to_no_column(tmp_path: Path) -> None:
    """Spreadsheets write one."""
    (tmp_path / "demand.csv").write_text(HEADER + ROW, encoding="utf-8-sig")
    assert read(tmp_path, "demand.csv")["place"].to_pylist() == ["north"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "place: must be there, is not [SCHEMA_MISSING]"),
        (b"pl\xffce,event_at,riders\n", "row 1 (the header is row 1): must be UTF-8, is not at byte 2 [DATA_ENCODING]"),
        (b'"place,event_at,riders\n', "has a header that cannot be read [FILE_CORRUPT]"),
        (
            HEADER.encode() + b"a,2024-03-01T01:00Z,2024-03-01 10:00\n",
            "riders: must have a timezone, is a timestamp without one [TIME_NAIVE]",
        ),
        (b"place,riders,event_at,riders\n", "riders: must stand once, stands twice [SCHEMA_DUPLICATE]"),
    ],
)
def test_csv_files_that_cannot_be_read_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Each in its own words, and never with a row's."""
    (tmp_path / "demand.csv").write_bytes(content)
    assert f"demand.csv: {message}" == refusal(tmp_path, "demand.csv").splitlines()[0]


def test_a_csv_file_without_rows_is_not_corrupt(tmp_path: Path) -> None:
    """That a night is empty is for validation to say."""
    (tmp_path / "demand.csv").write_text(HEADER)
    assert read(tmp_path, "demand.csv").num_rows == 0
