"""Promise 17: what a row comes to name while garbage collection is at work stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perennial.core.receipts import ModelVersion, Publication, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Artifacts, Stores
from perennial.steps.collect import GRACE, collect
from perennial.steps.loop import score
from perennial.steps.scoring.models import load
from perennial.steps.snapshots.rows import snapshot_rows
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

Retrain = Callable[[Definition, Stores, datetime], Publication]


class Beside:
    """A store in which something happens after garbage collection has listed it, or before each removal."""

    def __init__(self, inner: Artifacts, *, listed: Callable[[], None], removing: Callable[[], None] = lambda: None) -> None:
        """Look at *inner*, and call *listed* after it was listed, and *removing* before each removal."""
        self._inner, self._listed, self._removing = inner, listed, removing
        self.put, self.get, self.fetch = inner.put, inner.get, inner.fetch

    def digests(self) -> Iterator[tuple[str, datetime]]:
        """List what there is, and then let it happen."""
        yield from list(self._inner.digests())
        self._listed()

    def delete(self, digest: str, *, unless_stored_after: datetime | None = None) -> bool:
        """Let it happen, and then remove."""
        self._removing()
        return self._inner.delete(digest, unless_stored_after=unless_stored_after)


@pytest.fixture(params=["memory", "disk"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    """Both kinds of store that run here."""
    return MemoryArtifacts() if request.param == "memory" else DiskArtifacts(tmp_path / "artifacts")


def is_whole(definition: Definition, stores: Stores) -> bool:
    """Return whether every version loads, and every snapshot can be read, after all that the ledger names."""
    stores.loaded.clear()
    for version in stores.ledger.history(ModelVersion, definition.name):
        assert load(stores, version.artifact).model is not None
        assert load(stores, version.baseline).model is not None
        assert stores.artifacts.get(version.profile)
    for snapshot in stores.ledger.history(Snapshot, definition.name):
        assert snapshot_rows(definition, stores, snapshot).num_rows > 0
    return True


def killed_before(new_stores: Callable[..., Stores], artifacts: Artifacts, run: Callable[[Stores], object]) -> Stores:
    """Return stores that hold all that *run* stores, and no row that names it: it was killed, long ago."""
    run(new_stores(artifacts=artifacts))
    return new_stores(artifacts=artifacts)


@pytest.mark.parametrize("when", ["listed", "removing"])
def test_promise_17_a_retraining_between_look_and_removal_keeps_its_artifacts(
    definition: Definition, new_stores: Callable[..., Stores], artifacts: Artifacts, retrained: Retrain, when: str
) -> None:
    """All of them were stored by a killed run before, so they are on the list of what goes."""
    stores = killed_before(new_stores, artifacts, lambda first: retrained(definition, first, day(30)))
    later = max(at for _, at in artifacts.digests()) + timedelta(microseconds=1)
    runs: list[Publication] = []

    def run() -> None:
        if not runs:
            runs.append(retrained(definition, stores, day(30)))

    beside = Beside(artifacts, listed=run) if when == "listed" else Beside(artifacts, listed=lambda: None, removing=run)
    done = collect([definition], replace(stores, artifacts=beside), now=later + GRACE)

    assert runs[0].promoted
    assert done.artifacts == ()
    assert is_whole(definition, stores)


def test_promise_17_a_rollback_between_look_and_removal_finds_its_version(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """A version that a row names is never on the list, so there is nothing to be too late for."""
    retrained(definition, championed, day(33))
    score(definition, night(33), championed, as_of=day(34))
    before = dict(championed.artifacts.digests())

    done = collect([definition], championed, now=day(5000))

    assert (done.artifacts, dict(championed.artifacts.digests())) == ((), before)
    assert is_whole(definition, championed)


def wait_until_files_are_later(moment: datetime, folder: Path) -> None:
    """Return when a file that is made now has a later time: files get theirs from a clock that is some milliseconds late."""
    probe = folder / "probe"
    while True:
        probe.touch()
        if datetime.fromtimestamp(probe.stat().st_mtime, UTC) > moment:
            return


def test_promise_17_collections_beside_runs_remove_nothing_that_is_named(
    definition: Definition, new_stores: Callable[..., Stores], artifacts: Artifacts, retrained: Retrain, tmp_path: Path
) -> None:
    """Two collections go round and round, after all that killed runs left, while the same runs are made again."""

    def run(stores: Stores) -> None:
        for number in (30, 33):
            retrained(definition, stores, day(number))
            score(definition, night(number), stores, as_of=day(number + 1))

    stores = killed_before(new_stores, artifacts, run)
    orphan = artifacts.put(b"written by a run that was killed")
    later = max(at for _, at in artifacts.digests()) + timedelta(microseconds=1)
    wait_until_files_are_later(later, tmp_path)
    busy = [True]

    def sweep(_: int) -> set[str]:
        gone: set[str] = set()
        while busy:
            gone.update(collect([definition], stores, now=later + GRACE).artifacts)
        return gone

    with ThreadPoolExecutor(2) as threads:
        sweeps = threads.map(sweep, range(2))
        try:
            run(stores)
        finally:
            busy.clear()
        gone = set().union(*sweeps)

    left = {digest for digest, _ in artifacts.digests()}
    assert orphan in gone - left
    assert stores.ledger.referenced() - left == set()
    assert is_whole(definition, stores)
