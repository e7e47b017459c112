"""Extraction on ground that gives way: killed, its source stopped or changed, its disks full. No half snapshot is ever named."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, UnavailableError
from perennial.core.receipts import Purpose, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Selection, Source, Stores
from perennial.steps.collect import collect
from perennial.steps.extract import extract
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.files.folder_source import FileSource
from perennial.stores.ledger import PostgresLedger
from perennial.stores.sql.source import SqlSource
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import day, night

if TYPE_CHECKING:
    from tests.faults.conftest import Server, Workers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

KEY = b"0123456789abcdef0123456789abcdef"
KILLS, ROWS, NIGHTS, SEED = 20, 250_000, 10, 3
AS_OF = day(NIGHTS)
MOMENT = pa.timestamp("us", "UTC")


@pytest.fixture
def definition(small: dict[str, Any]) -> Definition:
    """A small model, whose rows come from a file."""
    return Definition.model_validate({**small, "source": {**small["source"], "table": "conditions.parquet"}})


TABLE = f"""
    CREATE TABLE conditions AS
    SELECT 'north' AS city, timestamptz '{day(0).isoformat()}' + n * interval '3.4 s' AS event_at,
        timestamptz '{day(0).isoformat()}' + n * interval '3.4 s' AS available_at,
        sin(n) AS temperature, cos(n) AS humidity, sqrt(n) AS wet, md5(n::text) AS note
    FROM generate_series(0, {ROWS - 1}) n
"""  # noqa: S608 - constants


def conditions() -> pa.Table:
    """Return 250 000 rows of ten nights, which compress badly."""
    dice = np.random.default_rng(SEED)
    moments = np.datetime64(day(0).replace(tzinfo=None), "us") + (np.arange(ROWS) * 3_400_000).astype("timedelta64[us]")
    columns = {
        "city": pa.array(["north"] * ROWS),
        "event_at": pa.array(moments).cast(MOMENT),
        "available_at": pa.array(moments).cast(MOMENT),
        **{name: pa.array(dice.normal(size=ROWS)) for name in ("temperature", "humidity", "wet")},
    }
    return pa.table(columns)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """Stores with a source of files, artifacts on the disk and a scratch folder of their own."""
    for name in ("source", "scratch"):
        (tmp_path / name).mkdir()
    pq.write_table(conditions(), tmp_path / "source" / "conditions.parquet", row_group_size=50_000)
    source = FileSource(tmp_path / "source")
    return Stores(
        source=lambda _: source,
        artifacts=DiskArtifacts(tmp_path / "artifacts"),
        ledger=MemoryLedger(),
        signing_key=KEY,
        scratch=tmp_path / "scratch",
    )


def take(definition: Definition, stores: Stores) -> Snapshot:
    """Extract all ten nights."""
    return extract(definition, night(0, NIGHTS), stores, purpose=Purpose.SCORE, as_of=AS_OF)


def whole(stores: Stores, digest: str) -> bool:
    """Return whether the snapshot's manifest and all parts are there, verified, and have as many rows as it says."""
    manifest = json.loads(stores.artifacts.get(digest))
    parts = [part for named in manifest["parts"].values() for part in (named if isinstance(named, list) else [named])]
    for part in parts:
        with stores.artifacts.fetch(part["digest"]) as path:
            assert pq.read_metadata(path).num_rows == part["rows"]
    return bool(sum(part["rows"] for part in parts) == ROWS)


def files(folder: Path) -> list[str]:
    """Return the names of all files below *folder*."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_promise_13_an_extract_that_is_killed_20_times_ends_in_the_same_snapshot(
    definition: Definition,
    stores: Stores,
    workers: Workers,
    ledger_url: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """At random moments: whatever the ledger names is whole, and gc and the next put of a later day take what was left over."""
    ask = {
        "kind": "extract",
        "url": ledger_url,
        "definition": definition.model_dump(mode="json", exclude_unset=True),
        "source": str(tmp_path / "source"),
        "scratch": str(stores.scratch),
        "as_of": AS_OF.isoformat(),
        "nights": NIGHTS,
    }
    with closing(PostgresLedger.open(ledger_url)) as ledger:
        stores = replace(stores, ledger=ledger)
        dice, took, killed, shots = random.Random(SEED), 2.0, 0, 0  # noqa: S311 - moments to kill at, no secrets
        while killed < KILLS:
            began = time.monotonic()
            outcome = workers.kill(workers.start(**ask, artifacts=str(tmp_path / "artifacts")), dice.uniform(0, took))
            assert outcome.error is None
            assert [one.digest for one in ledger.history(Snapshot, definition.name) if not whole(stores, one.digest)] == []
            killed += outcome.ended == -signal.SIGKILL
            took = took if outcome.ended else time.monotonic() - began
            shots += 1
        expected = take(definition, replace(stores, artifacts=MemoryArtifacts(), ledger=MemoryLedger()))
        assert take(definition, stores) == expected
        assert ledger.history(Snapshot, definition.name) == [expected]
        left = len(files(tmp_path / "artifacts")) + len(files(stores.scratch))
        collect([definition], stores, now=datetime.now(UTC) + timedelta(days=2))
        _two_days_later(tmp_path / "artifacts")
        stores.artifacts.put(b"the next artifact")
        assert whole(stores, expected.digest)
    assert files(stores.scratch) == []
    assert [name for name in files(tmp_path / "artifacts") if name.startswith(".")] == []
    record_property("kills of an extract", f"{killed} of {shots} (seed {SEED}); files before gc: {left}")


def _two_days_later(folder: Path) -> None:
    """Make every unfinished file in *folder* as old as it would be then."""
    for path in folder.glob(".*"):
        at = path.stat().st_mtime - 2 * 86_400
        os.utime(path, (at, at))


@dataclass(frozen=True)
class Interrupted:
    """A source in the middle of whose rows something happens: after so many batches of them."""

    source: Source
    after: int
    what: Callable[[], object]

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        for number, batch in enumerate(self.source.read(selection)):
            if number == self.after:
                self.what()
            yield batch


def fault(action: Callable[[], object]) -> tuple[type[PerennialError], Code]:
    """Return how *action* failed."""
    with pytest.raises(PerennialError) as caught:
        action()
    return type(caught.value), caught.value.code


def test_promise_04_a_source_that_stops_in_the_middle_leaves_no_snapshot(
    server: Server, small: dict[str, Any], stores: Stores
) -> None:
    """The server that is read from is killed after the first batch; the next attempt reads it all."""
    definition = Definition.model_validate(small)
    url = server.running.url("source")
    with server.connect("source") as connection:
        connection.execute(TABLE)
    source = SqlSource(url)
    reading = replace(stores, source=lambda _: source)
    expected = take(definition, replace(reading, ledger=MemoryLedger(), artifacts=MemoryArtifacts()))
    assert expected.rows == ROWS
    cut = Interrupted(source, 1, server.stop_at_once)
    told = fault(lambda: take(definition, replace(stores, source=lambda _: cut)))
    assert fault(lambda: take(definition, reading)) == told == (UnavailableError, Code.STORE_UNAVAILABLE)
    assert stores.ledger.history(Snapshot, definition.name) == []
    assert files(stores.scratch) == []
    server.start()
    again = SqlSource(server.running.url("source"))
    assert take(definition, replace(stores, source=lambda _: again)) == expected


def test_promise_04_a_file_that_is_cut_while_it_is_read_leaves_no_snapshot(
    definition: Definition, stores: Stores, tmp_path: Path
) -> None:
    """Somebody copies a new file over the old one, and the copy stops: the reader is told to try again, and does not crash."""
    file = tmp_path / "source" / "conditions.parquet"
    content = file.read_bytes()
    cut = Interrupted(FileSource(tmp_path / "source"), 1, lambda: os.truncate(file, 1000))
    assert fault(lambda: take(definition, replace(stores, source=lambda _: cut))) == (UnavailableError, Code.STORE_UNAVAILABLE)
    assert (stores.ledger.history(Snapshot, definition.name), files(stores.scratch)) == ([], [])
    file.write_bytes(content)
    assert take(definition, stores).rows == ROWS


def test_promise_13_a_source_that_changed_between_two_reads_is_reported(definition: Definition, stores: Stores) -> None:
    """Both snapshots stay, the later one says what differs, and what the source says again is what stood before."""
    table = conditions()
    tables = {"conditions.parquet": table}
    source = MemorySource(tables)
    stores = replace(stores, source=lambda _: source)
    first = take(definition, stores)
    warmer = pa.array(np.asarray(table["temperature"]) + (np.arange(ROWS) % 100 == 0))
    tables["conditions.parquet"] = table.set_column(table.column_names.index("temperature"), "temperature", warmer).slice(10)
    second = take(definition, stores)
    assert second.digest != first.digest
    assert second.skew is not None
    assert (second.skew.earlier, second.skew.columns) == (first.digest, ("temperature",))
    assert (second.skew.added, second.skew.removed, second.skew.changed) == (0, 10, ROWS // 100 - 1)
    assert whole(stores, first.digest)
    tables["conditions.parquet"] = table
    assert take(definition, stores).digest == first.digest


@dataclass(frozen=True)
class Failing:
    """Artifacts whose *at*-th put fails after half of the bytes."""

    artifacts: DiskArtifacts
    limit: Callable[[int], AbstractContextManager[None]]
    at: list[int]

    def put(self, content: bytes | Path) -> str:
        """Store, or fail."""
        self.at[0] -= 1
        if self.at[0]:
            return self.artifacts.put(content)
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        with self.limit(size // 2):
            return self.artifacts.put(content)

    def __getattr__(self, name: str) -> Any:
        """Do everything else."""
        return getattr(self.artifacts, name)


def test_promise_02_a_store_that_is_full_in_the_middle_of_a_part_names_nothing(
    definition: Definition, stores: Stores, limited_files: Callable[[int], AbstractContextManager[None]], tmp_path: Path
) -> None:
    """At every put of an extract; the next attempt gives the snapshot, and nothing is left over."""
    expected = take(definition, replace(stores, ledger=MemoryLedger(), artifacts=MemoryArtifacts()))
    for point in (1, 2):
        folder = tmp_path / f"artifacts-{point}"
        failing: Any = Failing(DiskArtifacts(folder), limited_files, [point])
        broken = replace(stores, artifacts=failing, ledger=MemoryLedger())
        assert fault(lambda broken=broken: take(definition, broken)) == (RejectedError, Code.STORE_FULL)  # type: ignore[misc]
        assert broken.ledger.history(Snapshot, definition.name) == []
        assert (files(stores.scratch), [name for name in files(folder) if name.startswith(".")]) == ([], [])
        assert take(definition, broken) == expected
    assert len(files(tmp_path / "artifacts-2")) == 2  # there is no third put


def test_promise_02_a_scratch_folder_that_is_full_names_nothing(
    definition: Definition, stores: Stores, limited_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    """A part cannot even be written; nothing is left over."""
    artifacts = MemoryArtifacts()
    with limited_files(1_000_000):
        told = fault(lambda: take(definition, replace(stores, artifacts=artifacts)))
    assert told == (RejectedError, Code.STORE_FULL)
    assert (stores.ledger.history(Snapshot, definition.name), artifacts.contents, files(stores.scratch)) == ([], {}, [])


def test_promise_02_a_small_disk_for_artifacts_and_scratch(
    definition: Definition, stores: Stores, small_disk: Callable[[str], Path]
) -> None:
    """A real file system that is too small for the part, for the store first and for the scratch folder then."""
    expected = take(definition, replace(stores, ledger=MemoryLedger(), artifacts=MemoryArtifacts()))
    disk = small_disk("2m")
    full = replace(stores, artifacts=DiskArtifacts(disk / "artifacts"))
    assert fault(lambda: take(definition, full)) == (RejectedError, Code.STORE_FULL)
    assert fault(lambda: take(definition, replace(stores, scratch=disk))) == (RejectedError, Code.STORE_FULL)
    assert (stores.ledger.history(Snapshot, definition.name), files(disk), files(stores.scratch)) == ([], [], [])
    assert take(definition, stores) == expected
