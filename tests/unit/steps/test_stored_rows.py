"""Rows out of parts that a store lends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.errors import ArtifactError, UnavailableError
from perennial.steps.snapshots.parts import Part
from perennial.steps.snapshots.stored_parquet import read_stored
from perennial.steps.snapshots.stored_rows import MOST_LENT, StoredRows
from perennial.testing import MemoryArtifacts


@dataclass
class Watched:
    """A store that remembers which artifacts are lent at each moment that one more is."""

    store: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    now: list[Path] = field(default_factory=list)
    most: int = 0
    fetched: int = 0

    @contextmanager
    def fetch(self, digest: str) -> Iterator[Path]:
        """Lend an artifact."""
        with self.store.fetch(digest) as path:
            self.now.append(path)
            self.most, self.fetched = max(self.most, len(self.now)), self.fetched + 1
            yield path
            self.now.remove(path)


def parts_of(store: MemoryArtifacts, count: int) -> list[Part]:
    """Store *count* parts of two row groups of one row each."""
    made = []
    for number in range(count):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"row": [2 * number, 2 * number + 1], "other": ["x", "y"]}), sink, row_group_size=1)
        content = sink.getvalue().to_pybytes()
        made.append(Part(digest=store.put(content), rows=2, bytes=len(content)))
    return made


def rows(stored: StoredRows) -> list[int]:
    """Return the numbers of all rows."""
    return [number for batch in stored.batches(["row"]) for number in batch["row"].to_pylist()]


@pytest.mark.parametrize(("count", "fetched"), [(MOST_LENT, MOST_LENT), (7, 7 + 2 * (7 - MOST_LENT + 1))])
def test_a_few_parts_are_lent_at_a_time(count: int, fetched: int) -> None:
    """However many there are; few enough are lent once for all readings, and all are given back at the end."""
    watched = Watched()
    parts = parts_of(watched.store, count)
    with ExitStack() as lent:
        stored = StoredRows(watched, lent, parts)  # type: ignore[arg-type] # all that is used of one
        for _ in range(2):
            assert rows(stored) == list(range(2 * count))
        assert stored.table()["row"].to_pylist() == list(range(2 * count))
        assert (watched.most, watched.fetched) == (MOST_LENT, fetched)
    assert watched.now == []


def test_a_part_that_made_room_is_still_read_to_its_end() -> None:
    """By who had it open, while another reading goes on to other parts."""
    watched = Watched()
    with ExitStack() as lent:
        stored = StoredRows(watched, lent, parts_of(watched.store, 9))  # type: ignore[arg-type] # the same
        slow = stored.batches(["row"])
        seen = [next(slow)["row"][0].as_py() for _ in range(2 * MOST_LENT - 1)]
        assert rows(stored) == list(range(18))
        seen += [batch["row"][0].as_py() for batch in slow]
    assert seen == list(range(18))


def test_a_part_that_is_read_again_is_verified_again() -> None:
    """Where it was given back in between."""
    watched = Watched()
    parts = parts_of(watched.store, MOST_LENT + 1)
    with ExitStack() as lent:
        stored = StoredRows(watched, lent, parts)  # type: ignore[arg-type] # the same
        assert len(rows(stored)) == 2 * len(parts)
        watched.store.contents[parts[MOST_LENT - 1].digest] = b"damaged"
        with pytest.raises(ArtifactError, match="ARTIFACT_CHECKSUM"):
            rows(stored)


@pytest.mark.parametrize("read", [lambda stored: stored.table(), rows])
def test_a_part_that_cannot_be_opened_is_told_as_the_stores(tmp_path: Path, read: Callable[[StoredRows], object]) -> None:
    """After it was verified: by one of our errors, whatever the operating system says."""
    watched = Watched()
    with ExitStack() as lent:
        stored = StoredRows(watched, lent, parts_of(watched.store, 1))  # type: ignore[arg-type] # the same
        [path] = watched.now
        path.rename(tmp_path / "elsewhere")
        with pytest.raises(UnavailableError, match="STORE_UNAVAILABLE") as raised:
            read(stored)
        (tmp_path / "elsewhere").rename(path)
    assert raised.value.where == "artifacts"


def test_a_quarantine_that_cannot_be_opened_is_told_as_the_stores(tmp_path: Path) -> None:
    """As parts are."""
    watched = Watched()
    [part] = parts_of(watched.store, 1)

    class Gone(Watched):
        """A store whose files are gone when they were verified."""

        @contextmanager
        def fetch(self, digest: str) -> Iterator[Path]:
            """Lend a path."""
            yield tmp_path / digest

    assert read_stored(watched, part.digest, ["row"])["row"].to_pylist() == [0, 1]  # type: ignore[arg-type] # the same
    with pytest.raises(UnavailableError, match="STORE_UNAVAILABLE"):
        read_stored(Gone(), part.digest, ["row"])  # type: ignore[arg-type] # the same
