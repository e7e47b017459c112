"""A snapshot: what is extracted, in which bytes, and how it is read back."""

from __future__ import annotations

import errno
import logging
import os
import resource
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, PerennialError, RejectedError
from perennial.core.receipts import Purpose, Skew, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Selection, Source, Stores
from perennial.steps.arrays import MOMENT, microseconds
from perennial.steps.extract import extract
from perennial.steps.snapshots.parts import ROWS_PER_GROUP, Part, parts_of
from perennial.steps.snapshots.rows import clean_rows, open_rows, snapshot_rows
from perennial.steps.snapshots.store_parts import store_parts
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

NIGHT = night(20)
AS_OF = day(21)
SCHEMA = pa.schema([("event_at", MOMENT), ("station", pa.string()), ("x", pa.float64())])


class Rechunked:
    """A source with the rows of another one, in batches of another length."""

    def __init__(self, source: Source, rows: int) -> None:
        """Yield *rows* at a time."""
        self._source, self._rows = source, rows

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the same rows, some batches being empty."""
        for batch in self._source.read(selection):
            for start in range(0, max(batch.num_rows, 1), self._rows):
                yield batch.slice(start, self._rows)
                yield batch.slice(0, 0)


class Changed:
    """A source whose batches are changed on their way."""

    def __init__(self, source: Source, change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
        """Pass every batch through *change*."""
        self._source, self._change = source, change

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the changed batches."""
        for batch in self._source.read(selection):
            yield self._change(batch)


def over(stores: Stores, wrap: Callable[[Source], Source]) -> Stores:
    """Return *stores* with another source around theirs."""
    return replace(stores, source=lambda name: wrap(stores.source(name)))


def numbered(rows: int, batch_rows: int = 70_000) -> Generator[pa.RecordBatch, None, None]:
    """Yield so many rows in the order of time, of random numbers, made one batch at a time."""
    random, start = np.random.default_rng(1), microseconds(NIGHT.start)
    for first in range(0, rows, batch_rows):
        count = min(batch_rows, rows - first)
        at = pa.array(start + first + np.arange(count), MOMENT)
        stations = pa.DictionaryArray.from_arrays(pa.array(np.arange(count) % 7), pa.array([f"station-{n}" for n in range(7)]))
        yield pa.RecordBatch.from_arrays([at, stations.cast(pa.string()), pa.array(random.normal(size=count))], schema=SCHEMA)


def stored(definition: Definition, stores: Stores, parts: tuple[Part, ...]) -> Snapshot:
    """Return a night's snapshot of *parts*, without a source."""
    manifest = b'{"parts":{"labels":[],"rows":[' + b",".join(part.model_dump_json().encode() for part in parts) + b"]}}"
    return Snapshot(
        model=definition.name,
        interval=NIGHT,
        digest=stores.artifacts.put(manifest),
        purpose=Purpose.SCORE,
        as_of=AS_OF,
        rows=sum(part.rows for part in parts),
        label_rows=0,
        bytes=sum(part.bytes for part in parts),
    )


def refusing(snapshot: Snapshot, stores: Stores, positions: list[int]) -> Validation:
    """Return a validation that refused the rows at *positions*."""
    path = stores.scratch / "quarantine.parquet"
    pq.write_table(pa.table({"_position": pa.array(positions, pa.int64())}), path)
    return Validation(
        id="v",
        model=snapshot.model,
        interval=NIGHT,
        snapshot=snapshot.digest,
        purpose=snapshot.purpose,
        as_of=AS_OF,
        verdict=Verdict.PASS,
        rows=snapshot.rows,
        quarantined=len(positions),
        quarantine=stores.artifacts.put(path) if positions else None,
        findings=(),
    )


@pytest.mark.parametrize("rows", [1, 7, 100_000])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_digest_does_not_depend_on_the_batches_of_the_source(
    definition: Definition, stores: Stores, new_stores: Callable[..., Stores], purpose: Purpose, rows: int
) -> None:
    """The same rows in other batches are the same snapshot."""
    expected = extract(definition, NIGHT, stores, purpose=purpose, as_of=AS_OF)
    other = over(new_stores(), lambda source: Rechunked(source, rows))
    assert expected == extract(definition, NIGHT, other, purpose=purpose, as_of=AS_OF)


@pytest.mark.parametrize("batch_rows", [33_333, 100_000, 450_000])
def test_large_rows_are_cut_alike_whatever_the_batches(stores: Stores, batch_rows: int) -> None:
    """Row groups of one length, and parts that end with the group that fills them."""
    table = pa.Table.from_batches(numbered(450_000)).combine_chunks()
    expected = store_parts(numbered(450_000), stores, part_bytes=1_300_000)
    found = store_parts((batch for batch in table.to_batches(max_chunksize=batch_rows)), stores, part_bytes=1_300_000)
    assert expected == found
    assert [part.rows for part in found] == [200_000, 200_000, 50_000]
    with stores.artifacts.fetch(found[0].digest) as path:
        groups = pq.read_metadata(path)
        assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [ROWS_PER_GROUP] * 2
        assert found[0].bytes == path.stat().st_size


def test_a_snapshot_of_many_parts_is_read_back_as_it_was(definition: Definition, stores: Stores) -> None:
    """In order, in batches of at most a row group, any number of times, and only the columns that are asked for."""
    snapshot = stored(definition, stores, store_parts(numbered(450_000), stores, part_bytes=1_300_000))
    expected = pa.Table.from_batches(numbered(450_000))
    with open_rows(definition, stores, snapshot) as rows:
        assert (rows.num_rows, rows.schema) == (450_000, SCHEMA)
        for _ in range(2):
            assert expected.equals(pa.Table.from_batches(rows.batches()))
        assert [batch.num_rows for batch in rows.batches()] == [100_000] * 4 + [50_000]
        some = list(rows.batches(["x", "event_at"]))
        assert expected.select(["x", "event_at"]).equals(pa.Table.from_batches(some))
    assert expected.equals(snapshot_rows(definition, stores, snapshot))


@pytest.mark.parametrize(
    "refused",
    [[], [0, 5, 99_999, 100_000, 449_999], list(range(100_000, 200_000)), list(range(450_000))],
    ids=["none", "some", "a whole group", "all"],
)
def test_quarantined_rows_are_left_out(definition: Definition, stores: Stores, refused: list[int]) -> None:
    """By their position in the snapshot, over the borders of groups and parts."""
    snapshot = stored(definition, stores, store_parts(numbered(450_000), stores, part_bytes=1_300_000))
    validation = refusing(snapshot, stores, refused)
    keep = np.ones(450_000, dtype=bool)
    keep[refused] = False
    expected = pa.Table.from_batches(numbered(450_000)).filter(pa.array(keep))
    with open_rows(definition, stores, snapshot, validation) as rows:
        found = pa.Table.from_batches(rows.batches(["x"]), SCHEMA.empty_table().select(["x"]).schema)
        assert (rows.num_rows, found.column("x").to_pylist()) == (expected.num_rows, expected.column("x").to_pylist())
    assert expected.equals(clean_rows(definition, stores, snapshot, validation))


def test_memory_does_not_grow_with_the_rows(definition: Definition, stores: Stores) -> None:
    """Of 1 500 000 rows, written and read back, a few groups are in memory at any moment."""
    before, peak = pa.total_allocated_bytes(), 0

    def watched(batches: Iterator[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
        nonlocal peak
        for batch in batches:
            peak = max(peak, pa.total_allocated_bytes() - before)
            yield batch

    snapshot = stored(definition, stores, store_parts(watched(numbered(1_500_000)), stores, part_bytes=2_400_000))
    with open_rows(definition, stores, snapshot) as rows:
        size = sum(batch.nbytes for batch in watched(rows.batches()))
    assert (snapshot.rows, len(parts_of(stores.artifacts, snapshot.digest).rows)) == (1_500_000, 4)
    assert peak < size / 3


class Slow(MemoryArtifacts):
    """A store that takes the first file only when the test says so, and refuses one of a number."""

    def __init__(self, go_on: threading.Event, refused: int = -1) -> None:
        """Wait for *go_on*."""
        super().__init__()
        self._go_on, self._refused, self.files = go_on, refused, 0

    def put(self, content: bytes | Path) -> str:
        """Store a file when it may be."""
        assert self._go_on.wait(timeout=60)
        self.files += 1
        if self.files == self._refused:
            raise RejectedError(Code.STORE_FULL, "has no space left", where="artifacts")
        return super().put(content)


def test_a_part_travels_while_the_next_one_is_written(new_stores: Callable[..., Stores]) -> None:
    """The source is read on before the first part has arrived."""
    go_on = threading.Event()

    def noted() -> Generator[pa.RecordBatch, None, None]:
        for number, batch in enumerate(numbered(450_000)):
            if number == 5:  # two batches may wait, so rows beyond those of the first part are being written
                go_on.set()
            yield batch

    parts = store_parts(noted(), new_stores(artifacts=Slow(go_on)), part_bytes=1)
    assert [part.rows for part in parts] == [100_000] * 4 + [50_000]


def test_a_store_that_refuses_a_part_ends_the_reading(new_stores: Callable[..., Stores]) -> None:
    """No further part is put, and no file is left."""
    go_on, read = threading.Event(), list[int]()
    go_on.set()
    artifacts = Slow(go_on, refused=2)

    def noted() -> Generator[pa.RecordBatch, None, None]:
        for batch in numbered(5_000_000):
            read.append(batch.num_rows)
            yield batch

    stores = new_stores(artifacts=artifacts)
    with pytest.raises(RejectedError) as error:
        store_parts(noted(), stores, part_bytes=1)
    assert str(error.value) == "artifacts: has no space left [STORE_FULL]"
    assert (artifacts.files, sum(read) < 1_000_000, list(stores.scratch.iterdir())) == (2, True, [])


def test_a_part_that_cannot_be_removed_when_it_is_stored_is_no_error(
    new_stores: Callable[..., Stores], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost by it: the folder goes as a whole."""

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    stores = new_stores()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", failing)
        parts = store_parts(numbered(3), stores)
    assert ([part.rows for part in parts], list(stores.scratch.iterdir())) == ([3], [])


def test_promise_10_a_damaged_part_is_refused_before_it_is_parsed(definition: Definition, stores: Stores) -> None:
    """Also the last of several; what comes before it can be read."""
    parts = store_parts(numbered(250_000), stores, part_bytes=500_000)
    snapshot = stored(definition, stores, parts)
    stores.artifacts.contents[parts[-1].digest] = b"PAR1"  # type: ignore[attr-defined]  # the store in memory
    with open_rows(definition, stores, snapshot) as rows:
        batches = rows.batches()
        assert next(batches).num_rows == 100_000
        with pytest.raises(PerennialError) as error:
            list(batches)
    message = f"artifact {parts[-1].digest}: the store holds other bytes than were stored [ARTIFACT_CHECKSUM]"
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("column", "shift", "message"),
    [
        (
            "event_at",
            timedelta(days=1),
            "conditions: row 0: event_at must lie in 2024-03-21T00:00:00Z/2024-03-22T00:00:00Z [TIME_OUT_OF_INTERVAL]",
        ),
        (
            "available_at",
            timedelta(days=30),
            "conditions: row 0: available_at must not be after the cut-off 2024-03-22T00:00:00Z [TIME_FUTURE]",
        ),
    ],
)
def test_a_source_that_answers_another_question_is_refused(
    definition: Definition, stores: Stores, column: str, shift: timedelta, message: str
) -> None:
    """Nothing is recorded, and no temporary file is left."""

    def shifted(batch: pa.RecordBatch) -> pa.RecordBatch:
        later = pc.add(batch.column(column), pa.scalar(shift, pa.duration("us")))
        return batch.set_column(batch.schema.get_field_index(column), column, later)

    lying = over(stores, lambda source: Changed(source, shifted))
    with pytest.raises(DataError) as error:
        extract(definition, NIGHT, lying, purpose=Purpose.SCORE, as_of=AS_OF)
    assert str(error.value) == message
    assert (stores.ledger.history(Snapshot, definition.name), list(stores.scratch.iterdir())) == ([], [])


def test_a_source_that_breaks_half_way_leaves_nothing(definition: Definition, stores: Stores) -> None:
    """Its own error comes through, no snapshot is named, no file and no thread is left."""
    threads = threading.active_count()

    class Breaking(Rechunked):
        def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
            yield next(super().read(selection))
            raise DataError(DataError.__name__, "the server went away")  # type: ignore[arg-type]  # any code

    with pytest.raises(DataError, match="the server went away"):
        extract(definition, NIGHT, over(stores, lambda source: Breaking(source, 5)), purpose=Purpose.SCORE, as_of=AS_OF)
    assert (stores.ledger.history(Snapshot, definition.name), list(stores.scratch.iterdir())) == ([], [])
    assert threading.active_count() == threads


def test_a_full_scratch_disk_is_one_of_our_errors(stores: Stores) -> None:
    """The source is not read to its end, and no file is left."""
    read: list[int] = []

    def noted() -> Generator[pa.RecordBatch, None, None]:
        for batch in numbered(5_000_000):
            read.append(batch.num_rows)
            yield batch

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(PerennialError) as error:
            store_parts(noted(), stores)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(error.value) == "scratch: has no space left [STORE_FULL]"
    assert (sum(read) < 1_000_000, list(stores.scratch.iterdir())) == (True, [])


def test_the_first_extraction_has_no_skew_and_neither_has_a_repetition(definition: Definition, stores: Stores) -> None:
    """The same rows are the same snapshot."""
    first = extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF)
    assert (first.skew, first) == (None, extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF))


@pytest.mark.parametrize("where", ["memory", "postgres"])
def test_a_source_that_was_rewritten_is_reported(
    definition: Definition,
    tables: dict[str, pa.Table],
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    """The receipt, and the ledger, say which rows and columns differ from the earlier extraction of the same night."""
    stores = request.getfixturevalue("stores" if where == "memory" else "postgres_stores")
    first = extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF)
    conditions = tables["conditions"]
    at = conditions.column("event_at").to_pylist()
    inside = [row for row, moment in enumerate(at) if moment in NIGHT]
    temperature = conditions.column("temperature").to_pylist()
    for row in inside[3:5]:
        temperature[row] += 1
    rewritten = conditions.set_column(conditions.schema.get_field_index("temperature"), "temperature", [temperature])
    tables["conditions"] = rewritten.filter(pa.array(row != inside[0] for row in range(len(at))))
    with caplog.at_level(logging.WARNING, logger="perennial"):
        second = extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF)
    sentence = "the source gives other rows than before: 0 added, 1 removed, 2 changed (in temperature)"
    expected = Skew(earlier=first.digest, added=0, removed=1, changed=2, columns=("temperature",), sentence=sentence)
    assert second.skew == expected
    said = [record.getMessage() for record in caplog.records if record.name.startswith("perennial")]
    assert said == [f"bikes_small 2024-03-21T00:00:00Z/2024-03-22T00:00:00Z: {sentence}"]
    assert stores.ledger.get(Snapshot, second.digest) == second
    assert stores.ledger.history(Snapshot, definition.name) == [first, second]
    assert extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF) == second


def test_labels_that_were_rewritten_are_reported(definition: Definition, stores: Stores, tables: dict[str, pa.Table]) -> None:
    """A training snapshot holds both, so both are compared."""
    window = replace(NIGHT, start=day(10))
    extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=AS_OF)
    rides = tables["rides"]
    more = pc.add(rides.column("rides"), 1)
    tables["rides"] = rides.set_column(rides.schema.get_field_index("rides"), "rides", more)
    second = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=AS_OF)
    assert second.skew is not None
    assert (second.skew.added, second.skew.removed, second.skew.columns) == (0, 0, ("rides",))
    assert second.skew.changed == second.label_rows > 0


def test_another_cut_off_or_purpose_is_another_question(definition: Definition, stores: Stores) -> None:
    """What came later is not skew."""
    extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF)
    for purpose, as_of in ((Purpose.SCORE, AS_OF - timedelta(hours=3)), (Purpose.TRAIN, AS_OF)):
        assert extract(definition, NIGHT, stores, purpose=purpose, as_of=as_of).skew is None


def test_an_earlier_snapshot_that_is_lost_does_not_stop_the_night(
    definition: Definition, stores: Stores, tables: dict[str, pa.Table], caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can say what differs, and that is said."""
    first = extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF)
    stores.artifacts.delete(first.digest)
    tables["conditions"] = tables["conditions"].slice(1)
    conditions = tables["conditions"]
    tables["conditions"] = conditions.set_column(
        conditions.schema.get_field_index("humidity"), "humidity", pc.add(conditions.column("humidity"), 1)
    )
    with caplog.at_level(logging.WARNING, logger="perennial"):
        second = extract(definition, NIGHT, stores, purpose=Purpose.SCORE, as_of=AS_OF)
    assert (second.skew, second.digest != first.digest) == (None, True)
    said = "cannot be compared with the snapshot of before"
    missing = f"artifact {first.digest}: is not in the store [ARTIFACT_MISSING]"
    assert caplog.messages == [f"bikes_small 2024-03-21T00:00:00Z/2024-03-22T00:00:00Z {said}: {missing}"]
