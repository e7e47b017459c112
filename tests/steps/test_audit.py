"""One function says whether the promises hold: nothing in a loop that ran, and exactly what was broken afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from perennial.core.errors import UnavailableError
from perennial.core.receipts import Evaluation, Fault, Measurement, ModelVersion, PredictionBatch, Snapshot, Validation
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.learning.codec import artifact_of
from perennial.ports import Stores
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.audit import audit, look
from perennial.steps.collect import collect
from perennial.steps.loop import retrain, score
from perennial.steps.retire import retire
from perennial.steps.rollback import rollback
from perennial.steps.snapshots.parts import parts_of
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.ledger_records import Records
from perennial.testing.story import day, night

Define = Callable[..., Definition]
KEY = b"0123456789abcdef0123456789abcdef"
FLIPPED, MISSING = "the store holds other bytes than were stored [ARTIFACT_CHECKSUM]", "is not in the store [ARTIFACT_MISSING]"


def lives(definition: Definition, stores: Stores, tables: dict[str, Any]) -> Stores:
    """Run two retrainings, three nights one of which is a data fault, and a rollback."""
    for at in (30, 33):
        retrain(definition, training_window(definition, day(at)), stores, reason="a test", actor="tests")
        score(definition, night(at), stores, as_of=day(at + 1))
    good = tables["conditions"]
    at = good.column_names.index("temperature")
    tables["conditions"] = good.set_column(at, "temperature", [[-200.0] * good.num_rows])
    score(definition, night(34), stores, as_of=day(35))
    tables["conditions"] = good
    rollback(definition, "all", stores, effective_from=day(35), reason="a test", actor="tests")
    return stores


@pytest.fixture(scope="module")
def life(small: dict[str, Any], simulated: World, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """Stores in memory in which the loop ran. Nobody changes them."""
    tables = named(simulated)
    source = MemorySource(tables)
    scratch = tmp_path_factory.mktemp("scratch")
    stores = Stores(source=lambda _: source, artifacts=MemoryArtifacts(), ledger=MemoryLedger(), signing_key=KEY, scratch=scratch)
    return lives(Definition.model_validate(small), stores, tables)


@pytest.fixture
def lived(life: Stores) -> Stores:
    """A copy of them that the test has for itself."""
    records = cast("MemoryLedger", life.ledger).records
    copy = Records(
        receipts={kind: dict(found) for kind, found in records.receipts.items()},
        states=dict(records.states),
        rows={batch: replace(rows, predictions=dict(rows.predictions)) for batch, rows in records.rows.items()},
    )
    artifacts = MemoryArtifacts()
    for content in cast("MemoryArtifacts", life.artifacts).contents.values():
        artifacts.put(content)
    return replace(life, artifacts=artifacts, ledger=MemoryLedger(records=copy), loaded={})


@contextmanager
def damaged(stores: Stores, digest: str, *, flip: bool) -> Iterator[None]:
    """Flip a byte of an artifact, or lose it, for a while."""
    artifacts = cast("MemoryArtifacts", stores.artifacts)
    content, stored_at = artifacts.contents[digest], dict(artifacts._stored_at)
    if flip:
        artifacts.contents[digest] = bytes([content[0] ^ 1]) + content[1:]
    else:
        artifacts.delete(digest)
    yield
    artifacts.contents[digest] = content
    artifacts._stored_at.update(stored_at)


def of_champions(definition: Definition, stores: Stores) -> set[str]:
    """Return what belongs to a version that was champion: the manifests and files of its two models, its profile and its sample."""
    found: set[str] = set()
    for version in stores.ledger.history(ModelVersion, definition.name):
        manifests = {version.artifact, version.baseline}
        files = {artifact_of(stores.artifacts.get(manifest)) for manifest in manifests}
        found |= manifests | files | {version.profile, version.sample or ""}
    return found


def test_a_loop_that_ran_keeps_its_promises(definition: Definition, lived: Stores) -> None:
    """Every promotion, batch, prediction and artifact was looked at."""
    found = look(lived)
    batches = lived.ledger.history(PredictionBatch, definition.name)
    assert found.faults == ()
    assert (found.promotions, found.batches, found.predictions) == (3, len(batches), sum(batch.rows for batch in batches))
    assert found.artifacts == len(list(lived.artifacts.digests()))
    assert audit(lived) == audit(lived, deep=False) == []


def test_a_loop_that_ran_on_postgresql_keeps_its_promises(
    define: Define, postgres_stores: Stores, tables: dict[str, Any], tmp_path: Path
) -> None:
    """And on disk; also when predictions have expired, and garbage was collected."""
    definition = define(publish={"retention": "30d", "shadow": "first_champion"})
    stores = lives(definition, replace(postgres_stores, artifacts=DiskArtifacts(tmp_path / "artifacts")), tables)
    assert audit(stores) == []
    assert collect([definition], stores, now=day(60.5)).predictions > 0
    assert audit(stores) == []
    assert look(stores).predictions > 0
    collect([definition], stores, now=day(400))
    assert audit(stores) == []
    assert look(stores).predictions == 0


@pytest.mark.parametrize("flip", [True, False])
def test_promise_17_every_damaged_artifact_is_one_fault(definition: Definition, lived: Stores, flip: bool) -> None:
    """Whatever it is, and whoever leads to it. What a champion needs breaks promise 1."""
    champions = of_champions(definition, lived)
    digests = [digest for digest, _ in lived.artifacts.digests()]
    for digest in digests:
        with damaged(lived, digest, flip=flip):
            faults = audit(lived)
        found = f"artifact {digest}: {FLIPPED if flip else MISSING}"
        assert [(fault.promise, fault.found) for fault in faults] == [(1 if digest in champions else 17, found)]
    assert len(digests) > 20
    assert audit(lived) == []


def test_a_fault_says_which_night_or_training_needs_the_artifact(definition: Definition, lived: Stores) -> None:
    """Model, segment, interval, and what it is."""
    snapshot = lived.ledger.history(Snapshot, definition.name, within=night(33))[-1]
    validation = next(row for row in lived.ledger.history(Validation, definition.name, within=night(34)) if row.quarantine)
    measurement = lived.ledger.history(Measurement, definition.name, within=night(33))[-1]
    version = lived.ledger.history(ModelVersion, definition.name)[-1]
    evaluation = lived.ledger.history(Evaluation, definition.name)[-1]
    expected = {
        snapshot.digest: f"bikes_small/all/{snapshot.interval}: snapshot",
        parts_of(lived.artifacts, snapshot.digest).rows[0].digest: f"bikes_small/all/{snapshot.interval}: snapshot",
        validation.quarantine or "": f"bikes_small/all/{night(34)}: quarantine",
        measurement.profile or "": f"bikes_small/all/{night(33)}: profile",
        version.artifact: f"bikes_small/all/{version.interval}: model",
        version.baseline: f"bikes_small/all/{version.interval}: baseline",
        version.sample or "": f"bikes_small/all/{version.interval}: sample",
        evaluation.outlook or "": f"bikes_small/all/{evaluation.interval}: profile",
    }
    for digest, where in expected.items():
        with damaged(lived, digest, flip=True):
            assert [fault.where for fault in audit(lived)] == [where]


def test_a_shallow_audit_misses_only_other_bytes_of_files(definition: Definition, lived: Stores) -> None:
    """It sees that any file is lost, that a manifest is damaged, and everything of a champion's models."""
    manifests, champions = lived.ledger.manifests(), of_champions(definition, lived)
    versions = lived.ledger.history(ModelVersion, definition.name)
    profiles = {name for version in versions for name in (version.profile, version.sample)}
    for digest, _ in list(lived.artifacts.digests()):
        with damaged(lived, digest, flip=False):
            assert len(audit(lived, deep=False)) == 1
        with damaged(lived, digest, flip=True):
            assert bool(audit(lived, deep=False)) == (digest in manifests or digest in champions - profiles)


def test_promise_1_a_champion_signed_with_another_key_is_a_fault(definition: Definition, lived: Stores) -> None:
    """It could not be loaded tonight, nor rolled back to. Once the model is retired, nobody needs the key any more."""
    foreign = replace(lived, signing_key=b"another key of thirty-two bytes.")
    versions = lived.ledger.history(ModelVersion, definition.name)
    found = audit(foreign)
    assert {(fault.promise, fault.where) for fault in found} == {
        (1, f"bikes_small/all/{version.interval}: {holds}") for version in versions for holds in ("model", "baseline")
    }
    word = "must be signed with this installation's key [ARTIFACT_SIGNATURE]"
    assert {fault.found for fault in found} == {
        f"model {manifest[:12]}: {word}" for row in versions for manifest in (row.artifact, row.baseline)
    }
    retire(definition, "all", lived, effective_from=day(35), reason="a new key", actor="tests")
    assert audit(foreign) == []
    assert look(foreign).artifacts == len(list(lived.artifacts.digests()))


def test_bytes_that_are_no_manifest_are_a_fault(definition: Definition, lived: Stores) -> None:
    """A row was changed by hand, and names what is there but is something else."""
    snapshot = lived.ledger.history(Snapshot, definition.name, within=night(33))[-1]
    version = lived.ledger.history(ModelVersion, definition.name)[-1]
    records: Any = cast("Any", lived.ledger).records
    records.of(ModelVersion)[version.id] = version.model_copy(update={"artifact": version.profile})
    other = snapshot.model_copy(update={"digest": version.profile, "interval": night(40)})
    records.of(Snapshot)[other.digest] = other
    assert audit(lived) == [
        Fault(
            promise=1,
            where=f"bikes_small/all/{version.interval}: model",
            found=f"model {version.profile[:12]}: must be the manifest of a Perennial model [ARTIFACT_FORMAT]",
        )
    ]


def test_a_snapshot_that_is_no_manifest_is_a_fault(definition: Definition, lived: Stores) -> None:
    """Its bytes are what was stored, but no parts can be found in them."""
    snapshot = lived.ledger.history(Snapshot, definition.name, within=night(33))[-1]
    digest = lived.artifacts.put(b"{}")
    records: Any = cast("Any", lived.ledger).records
    records.of(Snapshot)[digest] = snapshot.model_copy(update={"digest": digest, "interval": night(40)})
    found = f"artifact {digest}: must be the manifest of a snapshot [ARTIFACT_FORMAT]"
    assert audit(lived) == [Fault(promise=17, where=f"bikes_small/all/{night(40)}: snapshot", found=found)]


def test_faults_of_rows_and_of_artifacts_are_told_together(definition: Definition, lived: Stores) -> None:
    """The first fault hides nothing."""
    [batch, *_] = lived.ledger.history(PredictionBatch, definition.name, within=night(33))
    [snapshot, *_] = lived.ledger.history(Snapshot, definition.name, within=night(30))
    cast("Any", lived.ledger).records.rows[batch.id].predictions.popitem()
    with damaged(lived, snapshot.digest, flip=False):
        assert [fault.promise for fault in audit(lived)] == [4, 17]


def test_each_artifact_is_read_once(lived: Stores) -> None:
    """Whoever names it: a part of several snapshots, a profile of several nights."""

    class Counting(MemoryArtifacts):
        def get(self, digest: str) -> bytes:
            read.append(digest)
            return super().get(digest)

    read: list[str] = []
    artifacts = Counting()
    artifacts.contents.update(cast("MemoryArtifacts", lived.artifacts).contents)
    assert audit(replace(lived, artifacts=artifacts)) == []
    assert sorted(read) == sorted(artifacts.contents)


def test_a_store_that_cannot_be_read_is_an_error_and_no_fault(lived: Stores) -> None:
    """Nobody can say then what it holds."""

    class Away(MemoryArtifacts):
        def get(self, digest: str) -> bytes:
            raise UnavailableError(cast("Any", "STORE_UNAVAILABLE"), "is away", where=f"artifact {digest[:1]}")

    with pytest.raises(UnavailableError):
        audit(replace(lived, artifacts=Away()))


def test_an_audit_of_nothing_finds_nothing(stores: Stores) -> None:
    """Neither rows nor artifacts."""
    assert audit(stores) == audit(stores, deep=False) == []


def test_what_nothing_names_is_no_fault(lived: Stores) -> None:
    """It is garbage, and gc's."""
    lived.artifacts.put(b"nobody's")
    assert audit(lived) == []
