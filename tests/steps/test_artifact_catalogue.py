"""The catalogue of bad artifacts and bad states: what is tried, and the code that it gets.

Artifacts are all here, at a night that needs them. States are where their part is:

- another scikit-learn, ENVIRONMENT_MISMATCH: test_upgrade
- a prediction that is NaN or infinite, PREDICTION_NONFINITE: test_predict_streams,
  ``test_predictions_that_are_not_finite_leave_the_ledger_as_it_was``; in the ledger contracts/test_ledger_predictions
- a ledger newer than the code, LEDGER_VERSION: integration/stores/test_migrations, ``test_a_newer_ledger_is_refused``
- a stale promotion, PROMOTE_CONFLICT: test_promotion, ``test_a_stale_evaluation_is_a_conflict``; in the ledger
  contracts/test_ledger_promotions, ``test_promise_5_promotion_is_compare_and_set``
- a run without an interval, RUN_NO_INTERVAL, and one of no length, INTERVAL_EMPTY: unit/orchestration/test_window,
  ``test_a_run_without_interval_and_schedule_is_refused`` and ``test_an_empty_interval_is_refused``
- disk full, STORE_FULL: unit/stores/test_disk_artifacts, ``test_a_put_that_fails_half_way_leaves_nothing``,
  faults/test_disk_is_full, faults/test_database_is_full
- ten thousand damages of many kinds of models: faults/test_damaged_models
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest

from perennial.core.errors import ArtifactError
from perennial.core.receipts import ModelVersion, PredictionBatch, Publication
from perennial.definition.models import Definition
from perennial.learning import archive, manifest
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.steps.scoring.models import load
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

TREES = {"path": "perennial.learning.estimators:hist_gradient_boosting_regressor", "parameters": {"max_iter": 3}}
Forge = Callable[[bytes], bytes]


@pytest.fixture
def nightly(
    define: Callable[..., Definition], stores: Stores, retrained: Callable[[Definition, Stores, datetime], Publication]
) -> tuple[Definition, Stores]:
    """A champion of trees that has predicted one night, and stores that were opened anew."""
    definition = define(estimator=TREES)
    assert retrained(definition, stores, day(30)).promoted
    score(definition, night(30), stores, as_of=day(31))
    return definition, replace(stores, loaded={})


def champion(stores: Stores, definition: Definition) -> str:
    """Return the digest of the champion's manifest."""
    [version] = stores.ledger.history(ModelVersion, definition.name)
    return version.artifact


def contents(stores: Stores) -> dict[str, bytes]:
    """Return the artifacts' bytes by digest, to be damaged."""
    return cast("MemoryArtifacts", stores.artifacts).contents


def members(content: bytes) -> dict[str, bytes]:
    """Return what a model's file holds."""
    with ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(held: dict[str, bytes], compression: int = ZIP_STORED) -> bytes:
    """Return a zip."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression) as file:
        for name, content in held.items():
            file.writestr(name, content)
    return buffer.getvalue()


def strange_type(content: bytes) -> bytes:
    """Have the model be something that runs programs."""
    held = members(content)
    schema = json.loads(held[archive.SCHEMA])
    schema.update({"__module__": "subprocess", "__class__": "Popen"})
    return packed({**held, archive.SCHEMA: json.dumps(schema).encode()})


def stray_node(content: bytes) -> bytes:
    """Have a node of the first tree point outside its tree."""
    held = members(content)
    name = next(name for name in held if b"feature_idx" in held[name])
    nodes = np.load(io.BytesIO(held[name]))
    nodes["left"][0] = 2**31
    buffer = io.BytesIO()
    np.save(buffer, nodes)
    return packed({**held, name: buffer.getvalue()})


def bomb(content: bytes) -> bytes:
    """Pack a megabyte of zeros into a kilobyte."""
    return packed({**members(content), "0" * 64 + ".npy": bytes(1 << 20)}, ZIP_DEFLATED)


DAMAGED: dict[str, Forge] = {
    "a flipped byte": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "a truncated file": lambda content: content[: len(content) // 2],
    "an empty file": lambda _: b"",
    "a swapped file": lambda _: packed({archive.SCHEMA: b"{}"}),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("which", ["manifest", "model"])
def test_a_champion_whose_bytes_changed_predicts_nothing(damage: Forge, which: str, nightly: tuple[Definition, Stores]) -> None:
    """ARTIFACT_CHECKSUM; the night before keeps its predictions, and the champion stays."""
    definition, stores = nightly
    name = champion(stores, definition)
    if which == "model":
        name = manifest.opened(contents(stores)[name], stores.signing_key, "test")["artifact"]
    contents(stores)[name] = damage(contents(stores)[name])
    with pytest.raises(ArtifactError) as caught:
        score(definition, night(31), stores, as_of=day(32))
    assert str(caught.value) == f"artifact {name}: the store holds other bytes than were stored [ARTIFACT_CHECKSUM]"
    assert {batch.interval for batch in stores.ledger.history(PredictionBatch, definition.name)} == {night(30)}
    promoted = stores.ledger.champion(definition.name)
    assert promoted is not None
    assert promoted.epoch == 1


SEALED: dict[str, tuple[Forge, str]] = {
    "a pickle under another name": (
        lambda _: pickle.dumps(Exception),
        "must be a skops file, got none (BadZipFile) [ARTIFACT_FORMAT]",
    ),
    "a type not on our list": (
        strange_type,
        "must be made of trusted types only, got subprocess.Popen [ARTIFACT_UNTRUSTED_TYPE]",
    ),
    "a tree node that points outside its tree": (
        stray_node,
        "must hold trees that stay inside themselves, got a child outside its 29 nodes [MODEL_CORRUPT]",
    ),
    "a zip bomb": (bomb, "must not unpack to more than its {size} bytes, got {unpacked} [ARTIFACT_TOO_LARGE]"),
}


@pytest.mark.parametrize(("forge", "said"), SEALED.values(), ids=SEALED)
def test_a_forged_champion_is_refused_although_it_is_signed(forge: Forge, said: str, nightly: tuple[Definition, Stores]) -> None:
    """What only somebody with the key can make gets its own code, before it is run."""
    definition, stores = nightly
    body: dict[str, Any] = manifest.opened(contents(stores)[champion(stores, definition)], stores.signing_key, "test")
    forged = forge(contents(stores)[body["artifact"]])
    signed = manifest.sealed({**body, "artifact": stores.artifacts.put(forged), "bytes": len(forged)}, stores.signing_key)
    digest = stores.artifacts.put(signed)
    with pytest.raises(ArtifactError) as caught:
        load(stores, digest)
    unpacked = sum(map(len, members(forged).values())) if "{unpacked}" in said else 0
    assert str(caught.value) == f"model {digest[:12]}: {said.format(size=len(forged), unpacked=unpacked)}"


def test_a_champion_signed_with_another_key_is_refused(nightly: tuple[Definition, Stores]) -> None:
    """ARTIFACT_SIGNATURE: another installation's model, or ours after its key was lost."""
    definition, stores = nightly
    digest = champion(stores, definition)
    with pytest.raises(ArtifactError) as caught:
        load(replace(stores, signing_key=b"x" * 32), digest)
    assert str(caught.value) == f"model {digest[:12]}: must be signed with this installation's key [ARTIFACT_SIGNATURE]"
