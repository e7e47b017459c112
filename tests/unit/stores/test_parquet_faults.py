"""What a Parquet file may not hold, found out before memory is spent on it."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.errors import DataError, PerennialError
from perennial.core.interval import Interval
from perennial.ports import Selection
from perennial.stores.files.folder_source import FileSource
from perennial.stores.files.parquet_footer import Chunk
from perennial.stores.files.parquet_pages import column_pages

START = datetime(2024, 3, 1, tzinfo=UTC)
MB = 1 << 20
KINDS = {"place": "text", "event_at": "moment", "load": "number"}


def write(path: Path, place: object, rows: int = 1, **options: object) -> Path:
    """Write *rows* rows of one place, which compresses to nothing."""
    texts = pa.array([place], pa.string() if isinstance(place, str) else pa.binary())
    columns = {
        "place": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), texts),
        "event_at": pa.array([START] * rows, pa.timestamp("us", tz="UTC")),
        "load": pa.array([1.5] * rows),
    }
    pq.write_table(pa.table(columns), path, compression="zstd", **options)
    return path


def read(path: Path, *, declared: dict[str, str] | None = None) -> pa.Table:
    """Read a file back."""
    names = tuple(declared) if declared else tuple(KINDS)
    selection = Selection(
        relation=path.name,
        columns=names,
        entity=("place",),
        event_at="event_at",
        available_at=None,
        interval=Interval(START, START + timedelta(days=1)),
        as_of=START + timedelta(days=9),
        declared=declared,
    )
    return pa.Table.from_batches(FileSource(path.parent).read(selection))


def refusal(path: Path, *, declared: dict[str, str] | None = None) -> list[str]:
    """Return the lines of the error that reading raises, without the file's name."""
    with pytest.raises(DataError) as error:
        read(path, declared=declared)
    return [line.removeprefix(f"{path.name}: ") for line in str(error.value).splitlines()]


def peak_mb(action: Callable[[], object]) -> float:
    """Return how much more Arrow held at the worst moment of *action* than before."""
    pool = pa.system_memory_pool()
    before, earlier = pa.default_memory_pool(), pool.max_memory()
    pa.set_memory_pool(pool)
    try:
        action()
    finally:
        pa.set_memory_pool(before)
    return float(pool.max_memory() - earlier) / MB


def test_few_bytes_that_unpack_to_many_are_refused(tmp_path: Path) -> None:
    """A dictionary of one text and a million references to it: 290 kB, 2.7 GB when it is written out; the footer says 0 MB."""
    path = write(tmp_path / "demand.parquet", "x" * 2700, 1_000_000)
    size = path.stat().st_size
    assert size < MB
    assert pq.read_metadata(path).row_group(0).column(0).total_uncompressed_size < MB

    def refused() -> None:
        assert refusal(path) == [f"must unpack to at most 512 MB and 200 times its size, has {size} bytes [DATA_TOO_LARGE]"]

    assert peak_mb(refused) < 300


def test_a_value_that_is_too_large_is_refused_before_it_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One text of 7 MB, ten times."""
    monkeypatch.setattr("perennial.stores.files.unpacked.MOST_BYTES", 6 * MB)
    path = write(tmp_path / "demand.parquet", "x" * 7 * MB, 10)
    assert refusal(path) == ["must hold values of at most 6 MB, holds a larger one [DATA_TOO_LARGE]"]


def test_a_page_that_is_too_large_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kB that say in the page's own header that they are 33 MB."""
    monkeypatch.setattr("perennial.stores.files.parquet_pages.MOST_PAGE_BYTES", 32 * MB)
    path = write(tmp_path / "demand.parquet", "x" * 33 * MB, use_dictionary=False)

    def refused() -> None:
        assert refusal(path) == ["place: must have pages of at most 32 MB unpacked, has larger [DATA_TOO_LARGE]"]

    assert path.stat().st_size < MB
    assert peak_mb(refused) < 10


def test_values_that_repeat_the_one_before_are_decoded_few_at_a_time(tmp_path: Path) -> None:
    """In this encoding a byte can stand for the whole text before it."""
    table = pa.table(
        {
            "place": ["x" * 3000] * 50_000,
            "event_at": pa.array([START] * 50_000, pa.timestamp("us", tz="UTC")),
            "load": [1.5] * 50_000,
        }
    )
    path = tmp_path / "demand.parquet"
    pq.write_table(table, path, use_dictionary=False, column_encoding={"place": "DELTA_BYTE_ARRAY"})
    selection_rows = 0

    def streamed() -> None:
        nonlocal selection_rows
        selection_rows = sum(batch.num_rows for batch in FileSource(tmp_path).read(_selection(path.name)))

    assert peak_mb(streamed) < 900
    assert selection_rows == 50_000


def _selection(relation: str) -> Selection:
    interval = Interval(START, START + timedelta(days=1))
    return Selection(
        relation=relation,
        columns=("event_at", "place"),
        entity=("place",),
        event_at="event_at",
        available_at=None,
        interval=interval,
        as_of=interval.end,
    )


def test_text_that_is_no_utf_8_is_named_by_its_row(tmp_path: Path) -> None:
    """Arrow takes what is called a text as it is."""
    bad = pa.Array.from_buffers(pa.string(), 3, pa.array([b"ok", b"\xff", b"\xfe"], pa.binary()).buffers())
    moments = pa.array([START] * 3, pa.timestamp("us", tz="UTC"))
    path = tmp_path / "demand.parquet"
    pq.write_table(pa.table({"place": bad, "event_at": moments, "load": [1.5] * 3}), path, row_group_size=1, use_dictionary=False)
    assert refusal(path) == ["row 2: place: must be UTF-8, is not [DATA_ENCODING]"]


def test_damage_anywhere_is_one_of_our_errors_or_harmless(tmp_path: Path) -> None:
    """Many files, each with one bit changed, mostly in the footer: none crashes, and none raises what a caller cannot know."""
    buffer = io.BytesIO()
    table = pa.table(
        {
            "place": [f"place {number % 7}" for number in range(500)],
            "event_at": pa.array([START + timedelta(minutes=number) for number in range(500)], pa.timestamp("us", tz="UTC")),
            "load": [float(number) for number in range(500)],
        }
    )
    pq.write_table(table, buffer, row_group_size=100)
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in range(60):
        content = bytearray(buffer.getvalue())
        content[chance.randrange(0 if number % 3 == 0 else len(content) - 1500, len(content))] ^= 1 << chance.randrange(8)
        path = tmp_path / "demand.parquet"
        path.write_bytes(content)
        try:
            read(path)
        except PerennialError as error:
            assert error.code in {"FILE_CORRUPT", "DATA_TOO_LARGE", "SCHEMA_MISSING", "SCHEMA_TYPE", "TIME_NAIVE", "DATA_ENCODING"}  # noqa: PT017 - not every change is noticed


def test_columns_are_those_that_are_declared(tmp_path: Path) -> None:
    """All differences are said at once."""
    path = write(tmp_path / "demand.parquet", "north")
    declared = {"place": "text", "event_at": "moment", "loads": "number", "riders": "integer"}
    assert refusal(path, declared=declared) == [
        "loads: must be there, is not [SCHEMA_MISSING]",
        "riders: must be there, is not [SCHEMA_MISSING]",
        "load: must be declared in columns, is not, did you mean 'loads', which is missing? [SCHEMA_EXTRA]",
    ]


def test_types_are_those_that_are_declared(tmp_path: Path) -> None:
    """What changed its type is named, all columns at once."""
    path = write(tmp_path / "demand.parquet", "north")
    declared = {"place": "number", "event_at": "moment", "load": "date"}
    assert refusal(path, declared=declared) == [
        "place: must be number, as declared, is dictionary<values=string, indices=int32, ordered=0> [SCHEMA_TYPE]",
        "load: must be date, as declared, is double [SCHEMA_TYPE]",
    ]


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        ("integer", [7.0, None], [7, None]),
        ("number", [7, None], [7.0, None]),
        ("integer", [2**53 + 1, None], [2**53 + 1, None]),
    ],
)
def test_numbers_become_what_is_declared(tmp_path: Path, declared: str, values: list[float], expected: list[float]) -> None:
    """A writer that met a missing value may have made floats of whole numbers."""
    path = tmp_path / "demand.parquet"
    moments = pa.array([START] * 2, pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"place": ["a", "b"], "event_at": moments, "load": values}), path)
    found = read(path, declared={"place": "text", "event_at": "moment", "load": declared})["load"].to_pylist()
    assert (expected, [type(value) for value in expected]) == (found, [type(value) for value in found])


@pytest.mark.parametrize(
    ("declared", "values", "message"),
    [
        ("integer", [2.0**53], "must be a whole number with all its digits, was stored as float64 [DATA_INT_PRECISION]"),
        ("integer", [7.5], "must be int64, holds a value that is not [SCHEMA_TYPE]"),
        (
            "number",
            [2**53 + 1],
            "must be a number of at most 53 bits to keep every digit, holds a larger whole one [DATA_INT_PRECISION]",
        ),
    ],
)
def test_numbers_that_would_lose_a_digit_are_refused(tmp_path: Path, declared: str, values: list[float], message: str) -> None:
    """2**53 + 1 beside a missing value is 2**53 in a float: which of the two it was, nobody knows."""
    path = tmp_path / "demand.parquet"
    moments = pa.array([START], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"place": ["a"], "event_at": moments, "load": values}), path)
    assert [f"load: {message}"] == refusal(path, declared={"place": "text", "event_at": "moment", "load": declared})


def varint(number: int) -> bytes:
    """Return *number* in groups of seven bits, as Thrift writes it."""
    return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])


def field_of(number: int, count: int, element: bytes) -> bytes:
    """Return field *number* of a struct: a list of *count* structs that are all *element*."""
    return bytes([number << 4 | 9, 0xFC]) + varint(count) + element * count


def with_footer(path: Path, footer: bytes) -> Path:
    """Write a file that is nothing but a footer."""
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    return path


def python_peak_mb(action: Callable[[], object]) -> float:
    """Return how much Python held at the worst moment of *action*."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "footer",
    [
        field_of(4, 15_000_000, b"\0"),
        field_of(4, 50_001, b"\0"),
        field_of(4, 5, field_of(1, 49_000, b"\0") + b"\0"),
        field_of(4, 1, field_of(1, 45_000, b"\x11\x11\x11\x11\x11\0") + b"\0"),
        b"\0" * (17 * MB),
    ],
    ids=["a long list", "a list", "lists of lists", "structs of truths", "its length"],
)
def test_a_footer_that_is_larger_in_memory_than_in_the_file_is_refused(
    tmp_path: Path, footer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A struct without fields is one byte there and 72 in Python, and a column without a name 1.4 kB in Arrow."""
    monkeypatch.setattr("perennial.stores.files.parquet_footer.MOST_VALUES", 200_000)
    path = with_footer(tmp_path / "demand.parquet", footer + b"\0")

    def refused() -> None:
        message = "must have a footer of at most 16 MB and 200000 values, has a larger one: write fewer row groups"
        assert [f"{message} [DATA_TOO_LARGE]"] == refusal(path)

    assert python_peak_mb(refused) < 50


def test_a_page_header_that_is_larger_in_memory_than_in_the_file_is_refused() -> None:
    """Another file's pages begin where such a header lies."""
    header = field_of(9, 40_000, b"\0") * 300 + b"\0"
    chunk = Chunk(0, len(header), None)

    def refused() -> None:
        with pytest.raises(DataError) as error:
            column_pages(io.BytesIO(header), chunk, "demand.parquet: place")
        assert str(error.value) == "demand.parquet: place: is no Parquet file that can be read [FILE_CORRUPT]"

    assert len(header) > 11 * MB
    assert python_peak_mb(refused) < 1


def test_a_file_of_many_row_groups_is_read(tmp_path: Path) -> None:
    """Far more than a writer makes of a night."""
    path = write(tmp_path / "demand.parquet", "north", 300, row_group_size=1)
    assert read(path).num_rows == 300
