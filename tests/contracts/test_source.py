"""What every source does: in memory, in SQLite, DuckDB and PostgreSQL, in Parquet and CSV."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError
from perennial.core.interval import Interval
from perennial.ports import Among, Selection, Source
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.files.folder_source import FileSource
from perennial.stores.files.s3_source import S3Source
from perennial.stores.sql.source import SqlSource
from perennial.stores.sql.table import write_table
from perennial.testing.source import MemorySource

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INSTANT = pa.timestamp("us", tz="UTC")
NAIVE = pa.timestamp("us")
SCHEMA = pa.schema(
    {
        "place": pa.string(),
        "event_at": INSTANT,
        "available_at": INSTANT,
        "riders": pa.int64(),
        "temperature": pa.float64(),
        "holiday": pa.bool_(),
        "day": pa.date32(),
        "note": pa.string(),
    }
)
START = datetime(2024, 3, 1, tzinfo=UTC)
DECLARED = {
    "place": "text",
    "event_at": "moment",
    "available_at": "moment",
    "riders": "integer",
    "temperature": "number",
    "holiday": "boolean",
    "day": "date",
    "note": "text",
}
_BUCKETS = count(1)
DAY = Interval(START, START + timedelta(days=1))
SELECTION = Selection(
    relation="demand",
    columns=tuple(SCHEMA.names),
    entity=("place",),
    event_at="event_at",
    available_at="available_at",
    interval=DAY,
    as_of=START + timedelta(days=2),
)


@dataclass
class Case:
    """A source, what puts a table into it, and the name by which that table is then selected."""

    source: Source
    write: Callable[[pa.Table], None]
    write_naive: Callable[[pa.Table], None]
    relation: str
    has_text_moments: bool = True

    def read(self, table: pa.Table, **changes: object) -> list[pa.RecordBatch]:
        """Write *table* and read it back with a changed selection."""
        self.write(table)
        return list(self.source.read(replace(SELECTION, relation=self.relation, **changes)))  # type: ignore[arg-type] # tests name fields

    def rows(self, table: pa.Table, **changes: object) -> list[dict[str, object]]:
        """Write *table*, and read it back as rows."""
        return list(pa.Table.from_batches(self.read(table, **changes)).to_pylist())


def memory(_folder: Path, _url: str) -> Case:
    """Return the source in memory."""
    tables: dict[str, pa.Table] = {}

    def write(table: pa.Table) -> None:
        tables["demand"] = table

    return Case(MemorySource(tables), write, write, "demand")


def sqlite(tmp_path: Path, _url: str) -> Case:
    """Return a table in SQLite."""
    place = f"sqlite:///{tmp_path}/demand.db"

    def write_naive(table: pa.Table) -> None:
        text = table["event_at"].cast(pa.string())
        write_table(place, "demand", table.set_column(1, "event_at", text))

    return Case(SqlSource(place), lambda table: write_table(place, "demand", table), write_naive, "demand")


def sqlite_query(tmp_path: Path, url: str) -> Case:
    """Return a query in SQLite, which does not say what types it has."""
    case = sqlite(tmp_path, url)
    case.relation = "SELECT * FROM demand -- of bicycles"
    return case


def duckdb_table(tmp_path: Path, _url: str) -> Case:
    """Return a table in DuckDB."""
    path = tmp_path / "demand.duckdb"

    def write(table: pa.Table) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.register("given", table)
            connection.execute("CREATE OR REPLACE TABLE demand AS SELECT * FROM given")

    return Case(SqlSource(f"duckdb:///{path}"), write, write, "demand", has_text_moments=False)


def duckdb_query(tmp_path: Path, url: str) -> Case:
    """Return a query in DuckDB."""
    case = duckdb_table(tmp_path, url)
    case.relation = "SELECT * FROM demand WHERE ':riders' <> '100 %' -- of bicycles"
    return case


def postgres_table(_folder: Path, url: str) -> Case:
    """Return a table in PostgreSQL."""

    def write_naive(table: pa.Table) -> None:
        write_table(url, "demand", table.cast(SCHEMA))
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE demand ALTER event_at TYPE timestamp, ALTER available_at TYPE timestamp"))

    return Case(SqlSource(url), lambda table: write_table(url, "demand", table), write_naive, "demand", has_text_moments=False)


def postgres_query(tmp_path: Path, url: str) -> Case:
    """Return a query in PostgreSQL, with what could be taken for a parameter."""
    case = postgres_table(tmp_path, url)
    case.relation = "WITH all_of_it AS (SELECT * FROM demand WHERE ':riders' <> '100 %') SELECT * FROM all_of_it;"
    return case


def parquet_file(tmp_path: Path, _url: str) -> Case:
    """Return a Parquet file."""

    def write(table: pa.Table) -> None:
        pq.write_table(table, tmp_path / "demand.parquet", row_group_size=500)

    return Case(FileSource(tmp_path), write, write, "demand.parquet")


def parquet_folder(tmp_path: Path, _url: str) -> Case:
    """Return a folder with two Parquet files, and what a writer left beside them."""
    folder = tmp_path / "demand"
    (folder / "later").mkdir(parents=True)
    (folder / "_temporary.parquet").write_bytes(b"half")
    (folder / "SUCCESS").touch()

    def write(table: pa.Table) -> None:
        half = table.num_rows // 2
        pq.write_table(table.slice(half), folder / "part-0.parquet")
        pq.write_table(table.slice(0, half), folder / "later" / "part-1.parquet")

    return Case(FileSource(tmp_path), write, write, "demand")


def csv_file(tmp_path: Path, _url: str) -> Case:
    """Return a CSV file."""

    def write(table: pa.Table) -> None:
        pa_csv.write_csv(table, tmp_path / "demand.csv")

    return Case(FileSource(tmp_path), write, write, "demand.csv")


def csv_packed(tmp_path: Path, _url: str) -> Case:
    """Return a folder with two packed CSV files, whose columns are declared."""
    (tmp_path / "demand").mkdir()

    def write(table: pa.Table) -> None:
        half = table.num_rows // 2
        for name, part in (("b.csv.gz", table.slice(half)), ("a.csv.zst", table.slice(0, half))):
            with pa.CompressedOutputStream(str(tmp_path / "demand" / name), "gzip" if name.endswith("gz") else "zstd") as file:
                pa_csv.write_csv(part, file)

    return Case(Declaring(FileSource(tmp_path)), write, write, "demand")


def s3_folder(tmp_path: Path, _url: str) -> Case:
    """Return Parquet and CSV files below one prefix of a bucket, and what a writer left beside them."""
    bucket, client = f"sources-{next(_BUCKETS)}", s3_of_tests()
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="data/demand/_temporary.parquet", Body=b"half")
    client.put_object(Bucket=bucket, Key="data/demand_of_others/part.parquet", Body=b"half")

    def write(table: pa.Table) -> None:
        half = table.num_rows // 2
        pq.write_table(table.slice(half), tmp_path / "part.parquet", row_group_size=500)
        pa_csv.write_csv(table.slice(0, half), tmp_path / "part.csv")
        client.upload_file(str(tmp_path / "part.parquet"), bucket, "data/demand/part-0.parquet")
        client.upload_file(str(tmp_path / "part.csv"), bucket, "data/demand/later/part-1.csv")

    return Case(Declaring(S3Source(bucket, "data", client)), write, write, "demand")


@dataclass
class Declaring:
    """A source of files whose definition declares the columns that are asked for."""

    source: Source

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Declare, and read."""
        return self.source.read(replace(selection, declared=DECLARED))


@cache
def moto() -> ThreadedMotoServer:
    """Return an S3 on a free port of the loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server


@pytest.fixture(scope="module", autouse=True)
def moto_ends() -> Iterator[None]:
    """Stop the S3, where one was started."""
    yield
    if moto.cache_info().currsize:
        moto().stop()
        moto.cache_clear()


def s3_of_tests() -> S3Client:
    """Return a client of the tests' S3."""
    host, port = moto().get_host_and_port()
    return boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    """The URL of a database in PostgreSQL for all tests here; each replaces its table."""
    return postgres.url("sources")


TYPED = [
    memory,
    sqlite,
    duckdb_table,
    duckdb_query,
    postgres_table,
    postgres_query,
    parquet_file,
    parquet_folder,
    csv_file,
    csv_packed,
    s3_folder,
]


@pytest.fixture(params=[*TYPED, sqlite_query], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Case:
    """Each kind of source, empty."""
    made: Case = request.param(tmp_path, url)
    return made


@pytest.fixture(params=TYPED, ids=lambda make: make.__name__)
def typed(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Case:
    """Each kind of source that knows its types without looking at rows."""
    made: Case = request.param(tmp_path, url)
    return made


def row(hour: float = 0, place: str = "north", *, known_after: float = 1, **values: object) -> dict[str, object]:
    """Return one row that happened *hour* hours after the start and was known *known_after* hours later."""
    event_at = START + timedelta(hours=hour)
    plain = {"riders": 7, "temperature": 11.5, "holiday": False, "day": event_at.date(), "note": "dry"}
    return {"place": place, "event_at": event_at, "available_at": event_at + timedelta(hours=known_after), **plain, **values}


def demand(*rows: dict[str, object]) -> pa.Table:
    """Return *rows* as a table."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def test_rows_come_back_as_they_were(typed: Case) -> None:
    """Values, types, and the order of columns survive, as do nulls in each type and text in any script."""
    rows = [
        row(0, "Überlingen", riders=2**53 + 1, note='雨, "wet"; \'; DROP TABLE demand; --\nsecond line'),
        row(1, "Überlingen", riders=None, temperature=None, holiday=None, day=None, note=None),
        row(2, "Überlingen", riders=-3, temperature=0.1 + 0.2, holiday=True, note=""),
        row(3, "Überlingen", temperature=1e-300, note="NA"),
    ]
    table = pa.Table.from_batches(typed.read(demand(*rows)))
    assert (SCHEMA, rows) == (table.schema.remove_metadata(), table.to_pylist())


def test_the_interval_is_half_open(case: Case) -> None:
    """The first moment is inside, the last is not, to the microsecond."""
    tick = 1 / 3_600_000_000
    table = demand(row(-tick), row(0), row(24 - tick), row(24))
    assert [START, START + timedelta(hours=24, microseconds=-1)] == [found["event_at"] for found in case.rows(table)]


def test_nothing_is_read_that_became_known_after_the_cut_off(case: Case) -> None:
    """available_at may equal the cut-off, and not be a microsecond later."""
    tick = 1 / 3_600_000_000
    table = demand(row(1, known_after=1), row(1, known_after=1 + tick, riders=8), row(3, known_after=-2, riders=9))
    assert [found["riders"] for found in case.rows(table, as_of=START + timedelta(hours=2))] == [7, 9]


def test_without_available_at_a_row_is_known_when_it_happens(case: Case) -> None:
    """The cut-off then holds for event_at."""
    rows = case.rows(
        demand(row(1), row(2), row(3)),
        columns=("place", "event_at", "riders"),
        available_at=None,
        as_of=START + timedelta(hours=2),
    )
    assert [START + timedelta(hours=1), START + timedelta(hours=2)] == [found["event_at"] for found in rows]


def test_rows_without_their_moments_are_not_selected(case: Case) -> None:
    """Nobody can say that such a row lies inside."""
    table = demand(row(1), row(2, event_at=None), row(3, available_at=None))
    assert [START + timedelta(hours=1)] == [found["event_at"] for found in case.rows(table)]


def test_rows_are_ordered_by_event_entity_and_availability(case: Case) -> None:
    """Text sorts by code point, whatever the database's language."""
    places = ["B", "a", "Ä", "_", "b"]
    expected = [(hour, place, known) for hour in (0, 1) for place in ("B", "_", "a", "b", "Ä") for known in (1, 2)]
    shuffled = [row(hour, place, known_after=known) for known in (2, 1) for hour in (1, 0) for place in places]
    found = [
        ((at["event_at"] - START) // timedelta(hours=1), at["place"], (at["available_at"] - at["event_at"]) // timedelta(hours=1))  # type: ignore[operator] # rows are plain objects
        for at in case.rows(demand(*shuffled))
    ]
    assert expected == found


def test_duplicates_are_kept(case: Case) -> None:
    """To find the same entity and event twice is validation's task."""
    assert len(case.rows(demand(row(1), row(1), row(1, riders=8)))) == 3


def test_ties_are_broken_by_the_other_columns(case: Case) -> None:
    """Rows that differ only beside the key stand in one order, nulls last, however they were written."""
    rows = [row(1, riders=number) for number in (3, None, 1, 2)]
    assert [[found["riders"] for found in case.rows(demand(*order))] for order in (rows, list(reversed(rows)))] == [
        [1, 2, 3, None]
    ] * 2


def test_an_empty_interval_gives_one_batch_with_the_schema(typed: Case) -> None:
    """No rows are still of a known shape."""
    (batch,) = typed.read(demand(row(-5), row(30)))
    assert (batch.num_rows, batch.schema.remove_metadata()) == (0, SCHEMA)


def test_the_same_read_gives_the_same_bytes(case: Case) -> None:
    """Two reads, written as Parquet, do not differ."""
    table = demand(*(row(hour % 24, f"place {hour % 7}", riders=hour) for hour in range(200, 0, -1)))

    def written() -> bytes:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_batches(case.read(table)), buffer)
        return buffer.getvalue()

    assert written() == written()


def test_only_the_selected_columns_are_read_in_their_order(case: Case) -> None:
    """Nothing else comes along."""
    (batch,) = case.read(demand(row()), columns=("riders", "event_at", "place"), available_at=None)
    assert batch.schema.names == ["riders", "event_at", "place"]


def test_all_missing_columns_are_named_at_once(case: Case) -> None:
    """One error has a fault for each."""
    with pytest.raises(DataError) as error:
        case.read(demand(row()), columns=("place", "event_at", "humidity", "available_at", "wind"))
    assert [(fault.code, fault.where.rpartition(": ")[2]) for fault in error.value.faults] == [
        (Code.SCHEMA_MISSING, "humidity"),
        (Code.SCHEMA_MISSING, "wind"),
    ]


def test_a_timestamp_without_a_timezone_is_refused(case: Case) -> None:
    """There is no guess whose clock it was."""
    kinds = {"event_at": NAIVE, "available_at": NAIVE}
    schema = pa.schema([(field.name, kinds.get(field.name, field.type)) for field in SCHEMA])
    case.write_naive(demand(row()).cast(schema).set_column(2, "available_at", demand(row())["available_at"]))
    with pytest.raises(DataError) as error:
        list(case.source.read(replace(SELECTION, relation=case.relation)))
    assert error.value.code == Code.TIME_NAIVE


@pytest.mark.parametrize("name", ["event_at", "available_at"])
def test_moments_written_with_a_foreign_offset_are_compared_as_moments_or_refused(case: Case, name: str) -> None:
    """A database that has moments of its own would compare text letter by letter, so text is none there."""
    late = row(24.5, "out", known_after=0) if name == "event_at" else row(20, "out", known_after=4.5)
    table = demand(row(22.5, "in", known_after=0), late)
    written = pa.array(["2024-03-02T00:30:00+02:00", "2024-03-01T22:30:00-02:00"])
    table = table.set_column(SCHEMA.get_field_index(name), name, written)
    if case.has_text_moments:
        assert [at["place"] for at in case.rows(table, as_of=DAY.end)] == ["in"]
        return
    with pytest.raises(DataError) as error:
        case.read(table, as_of=DAY.end)
    message = "must be a timestamp with a timezone, is text: cast it in a query"
    assert [(fault.code, fault.where.rpartition(": ")[2], fault.message) for fault in error.value.faults] == [
        (Code.SCHEMA_TYPE, name, message)
    ]


def test_an_unknown_relation_is_refused(case: Case) -> None:
    """A table or file that is not there is an error that says so."""
    case.write(demand(row()))
    with pytest.raises(RejectedError) as error:
        list(case.source.read(replace(SELECTION, relation="supply")))
    assert error.value.code == Code.STORE_REJECTED


def test_many_rows_come_in_batches_of_one_schema(typed: Case) -> None:
    """No batch holds more than 50 000 rows."""
    number = 50_001
    many = demand(row()).take(pa.array([0] * number)).set_column(3, "riders", pa.array(range(number), pa.int64()))
    batches = typed.read(many)
    assert max(batch.num_rows for batch in batches) <= 50_000
    assert list(range(number)) == pa.Table.from_batches(batches)["riders"].to_pylist()


PLACES = ["west", "north", "south", None, "North", "north ", "O'Neil: 100 % :x", "north"]
"""Of each hour one, as they stand."""


def by_place() -> pa.Table:
    """Return a row of each of ``PLACES``; their riders count them."""
    return demand(*(row(hour, place, riders=hour) for hour, place in enumerate(PLACES)))  # type: ignore[arg-type] # a null too


WANTED = [
    (Among(column="place", values=("north",)), [1, 7]),
    (Among(column="place", values=("south", "O'Neil: 100 % :x")), [2, 6]),
    (Among(column="place", values=("nowhere",)), []),
    (Among(column="riders", values=(3, 5)), [3, 5]),
    (Among(column="place", values=("north", "south"), others=True), [0, 3, 4, 5, 6]),
    (Among(column="riders", values=(0, 1, 2, 3, 4, 5, 6, 7), others=True), []),
]
"""What is asked for, and the riders of the rows of ``by_place`` that it selects."""


def test_only_rows_with_the_wanted_values_are_selected(case: Case) -> None:
    """To the letter, whatever they hold; and what has none of them is what is left, a null too."""
    case.write(by_place())
    for among, riders in WANTED:
        batches = case.source.read(replace(SELECTION, relation=case.relation, among=among))
        assert [row["riders"] for batch in batches for row in batch.to_pylist()] == riders, among


def test_wanted_values_narrow_the_interval(case: Case) -> None:
    """A row of another day is not selected by its value."""
    table = demand(row(1, riders=1), row(25, riders=2), row(2, "south", riders=3))
    assert [one["riders"] for one in case.rows(table, among=Among(column="place", values=("north",)))] == [1]


@pytest.mark.parametrize(("name", "values"), [("place", (7,)), ("riders", ("7",)), ("holiday", (1,))])
def test_a_column_that_cannot_have_the_wanted_values_is_refused(
    typed: Case, name: str, values: tuple[str, ...] | tuple[int, ...]
) -> None:
    """A text is no number, and nobody gets no rows for that."""
    with pytest.raises(DataError) as error:
        typed.read(demand(row()), among=Among(column=name, values=values))
    assert error.value.code is Code.SCHEMA_TYPE
    assert error.value.where.endswith(name)
