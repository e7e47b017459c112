"""Promise 17: garbage collection never removes what is reachable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.collect import collect
from perennial.steps.loop import score
from perennial.steps.scoring.models import load
from perennial.steps.snapshots.rows import snapshot_rows
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
HOUR = timedelta(hours=1)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Start long ago."""
        self.at = day(0)

    def __call__(self) -> datetime:
        """Return the moment that was set."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    """When artifacts are stored."""
    return Clock()


@pytest.fixture
def lived(
    definition: Definition, new_stores: Callable[..., Stores], retrained: Retrain, clock: Clock, tables: dict[str, Any]
) -> Stores:
    """Stores with a champion, a good night, and one whose rows are in quarantine; all of it stored on day 0."""
    stores = new_stores(artifacts=MemoryArtifacts(clock))
    retrained(definition, stores, day(30))
    score(definition, night(30), stores, as_of=day(31))
    rows = tables["conditions"]
    at = rows.column_names.index("temperature")
    tables["conditions"] = rows.set_column(at, "temperature", [[-200.0] * rows.num_rows])
    score(definition, night(31), stores, as_of=day(32))
    return stores


def test_promise_17_what_is_reachable_stays(definition: Definition, lived: Stores) -> None:
    """Years later every artifact is still there: manifests, models, parts of snapshots, profiles, the quarantine."""
    before = dict(lived.artifacts.digests())
    found = collect([definition], lived, now=day(5000))
    assert (found.artifacts, found.kept) == ((), len(before))
    assert dict(lived.artifacts.digests()) == before
    assert len(before) > 12


def test_promise_17_everything_can_still_be_read(definition: Definition, lived: Stores) -> None:
    """After a collection models load, snapshots are read, and the night runs again."""
    collect([definition], lived, now=day(5000))
    lived.loaded.clear()
    [version] = lived.ledger.history(ModelVersion, definition.name)
    for manifest in (version.artifact, version.baseline):
        assert load(lived, manifest).model is not None
    for snapshot in lived.ledger.history(Snapshot, definition.name):
        assert snapshot_rows(definition, lived, snapshot).num_rows > 0


def test_an_orphan_is_removed_when_it_is_older_than_a_day(definition: Definition, lived: Stores, clock: Clock) -> None:
    """A younger one may belong to a row that is about to be written."""
    old = lived.artifacts.put(b"written by a run that was killed")
    clock.at = day(99) + HOUR
    young = lived.artifacts.put(b"written by a run that goes on")
    found = collect([definition], lived, now=day(100))
    assert found.artifacts == (old,)
    kept = {digest for digest, _ in lived.artifacts.digests()}
    assert young in kept
    assert old not in kept
    assert found.kept == len(kept)


@pytest.mark.parametrize("dry", [True, False])
def test_temporary_folders_of_killed_runs_are_removed(definition: Definition, lived: Stores, dry: bool) -> None:
    """When they are a day old; what a run uses at the moment, and what is not ours, stays."""
    folders = [lived.scratch / name for name in ("perennial-scratch-old", "perennial-scratch-new", "notes")]
    for folder, age in zip(folders, (timedelta(days=2), HOUR, timedelta(days=2)), strict=True):
        folder.mkdir()
        (folder / "part.parquet").touch()
        at = (day(100) - age).timestamp()
        os.utime(folder, (at, at))
    collect([definition], lived, now=day(100), dry=dry)
    assert set(folders if dry else folders[1:]) == set(lived.scratch.iterdir())


def test_promise_17_what_is_stored_again_during_a_collection_stays(definition: Definition, lived: Stores) -> None:
    """A run stores it again after the collection listed it, and is about to write its row."""

    class Busy(MemoryArtifacts):
        def digests(self) -> Iterator[tuple[str, datetime]]:
            yield from list(super().digests())
            self.put(b"made once, and made again")

    clock = Clock()
    artifacts = Busy(clock)
    artifacts.contents.update(cast("MemoryArtifacts", lived.artifacts).contents)
    digest = artifacts.put(b"made once, and made again")
    clock.at = day(100)
    found = collect([definition], replace(lived, artifacts=artifacts), now=day(100))
    assert (found.artifacts, artifacts.get(digest)) == ((), b"made once, and made again")


def test_an_artifact_that_was_lost_does_not_stop_collections(definition: Definition, lived: Stores, clock: Clock) -> None:
    """A manifest, a part, a profile: whichever is gone, the others stay and the orphan goes."""
    [version] = lived.ledger.history(ModelVersion, definition.name)
    orphan = lived.artifacts.put(b"written by a run that was killed")
    clock.at = day(100)
    for lost in (version.profile, version.baseline):
        lived.artifacts.delete(lost)
    found = collect([definition], lived, now=day(100))
    assert orphan in found.artifacts
    assert load(lived, version.artifact).model is not None


def test_only_manifests_are_read(definition: Definition, lived: Stores) -> None:
    """Profiles, quarantines and the parts of snapshots name nothing, and may be large."""

    class Counting(MemoryArtifacts):
        def get(self, digest: str) -> bytes:
            read.append(digest)
            return super().get(digest)

    read: list[str] = []
    artifacts = Counting()
    artifacts.contents.update(cast("MemoryArtifacts", lived.artifacts).contents)
    collect([definition], replace(lived, artifacts=artifacts), now=day(100))
    assert sorted(lived.ledger.manifests()) == sorted(read)


def test_a_dry_run_says_what_it_would_remove_and_removes_nothing(define: Define, lived: Stores) -> None:
    """Neither artifacts nor predictions."""
    definition = define(publish={"retention": "30d"})
    orphan = lived.artifacts.put(b"written by a run that was killed")
    found = collect([definition], lived, now=day(100), dry=True)
    assert (found.artifacts, found.predictions) == ((orphan,), 48)
    assert orphan in {digest for digest, _ in lived.artifacts.digests()}
    assert lived.ledger.predictions(definition.name, within=night(30)).num_rows == 24


@pytest.mark.parametrize(("after_days", "left"), [(29, 48), (30.5, 36), (31, 24), (32, 0)])
def test_predictions_expire_when_their_retention_is_over(
    define: Define, postgres_stores: Stores, retrained: Retrain, after_days: float, left: int
) -> None:
    """Row by row, by the moment they are about; the batches stay, and so do predictions of a definition without retention."""
    definition = define(publish={"retention": "30d"})
    retrained(definition, postgres_stores, day(30))
    for number in (30, 31):
        score(definition, night(number), postgres_stores, as_of=day(number + 1))
    now = day(30 + after_days)
    always = Interval(day(0), day(60))
    assert collect([define()], postgres_stores, now=now).predictions == 0
    assert collect([definition], postgres_stores, now=now, dry=True).predictions == 2 * (48 - left)
    expired = collect([definition], postgres_stores, now=now).predictions
    assert expired == 2 * (48 - left)
    assert postgres_stores.ledger.predictions(definition.name, within=always).num_rows == left
