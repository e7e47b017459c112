"""Promise 11: a training can be repeated years later, and gives the same bytes; or it is said what is different."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import sklearn

from perennial import __version__
from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, RejectedError
from perennial.core.receipts import ModelVersion, Promotion, Publication
from perennial.definition.models import Definition
from perennial.learning.manifest import sealed, unsealed
from perennial.ports import Stores
from perennial.steps.audit import audit
from perennial.steps.collect import collect
from perennial.steps.reproduce import reproduce
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
FOREST = {"path": "sklearn.ensemble:RandomForestRegressor", "parameters": {"n_estimators": 10, "max_depth": 4}, "seed": 5}
BOOSTED = {"path": "perennial.learning.estimators:hist_gradient_boosting_regressor", "parameters": {"max_iter": 10}}
SEARCHED = {"path": "sklearn.tree:DecisionTreeRegressor", "search": {"parameters": {"max_depth": [2, 8]}, "iterations": 2}}


def version_of(stores: Stores, definition: Definition) -> ModelVersion:
    """Return the first version."""
    return stores.ledger.history(ModelVersion, definition.name)[0]


def recorded_with(stores: Stores, version: ModelVersion, **changes: str) -> str:
    """Record a run that says of itself what is not so, and return its id."""
    return stores.ledger.record(version.model_copy(update={"id": "other", "training_run": "other", **changes})).id


@pytest.mark.parametrize("estimator", [{}, FOREST, BOOSTED, SEARCHED], ids=["ridge", "forest", "boosted", "searched"])
def test_promise_11_the_same_snapshot_definition_and_seed_give_the_same_digests(
    define: Define, stores: Stores, retrained: Retrain, estimator: dict[str, Any]
) -> None:
    """Model, baseline and reference profile, by the training run's id and by the version's."""
    definition = define(estimator=estimator)
    retrained(definition, stores, day(30))
    version = version_of(stores, definition)

    found = reproduce(definition, stores, run=version.training_run)

    said = f"{version.id} was reproduced: model, baseline and reference profile have the same digests"
    assert (found.equal, found.differences, found.sentence) == (True, (), said)
    assert (found.version, found.training_run) == (version.id, version.training_run)
    assert reproduce(definition, stores, run=version.id) == found


@pytest.fixture
def two(definition: Definition, championed: Stores, retrained: Retrain) -> tuple[ModelVersion, ModelVersion]:
    """The versions of day 30 and of day 33."""
    retrained(definition, championed, day(33))
    first, second = championed.ledger.history(ModelVersion, definition.name)
    return first, second


def test_a_reproduction_leaves_no_trace(definition: Definition, championed: Stores, two: tuple[ModelVersion, ModelVersion]) -> None:
    """Neither a row nor an artifact, not even where something else comes out."""
    other = recorded_with(championed, two[0], artifact=two[1].artifact)
    contents = cast("MemoryArtifacts", championed.artifacts).contents
    championed.artifacts.delete(two[0].artifact)  # what comes out is not there, and does not come back
    before = set(contents)

    assert not reproduce(definition, championed, run=other).equal

    assert set(contents) == before
    assert len(championed.ledger.history(ModelVersion, definition.name)) == 3
    assert len(championed.ledger.history(Promotion, definition.name)) == 2
    assert list(championed.scratch.iterdir()) == []


def test_another_model_is_said(definition: Definition, championed: Stores, two: tuple[ModelVersion, ModelVersion]) -> None:
    """Of a run whose row names the model of another one: its file and its golden rows. Baseline and profile are the same."""
    first, second = two
    run = recorded_with(championed, first, artifact=second.artifact)

    found = reproduce(definition, championed, run=run)

    said = f"model: other artifact, bytes, golden: {second.artifact} then, {first.artifact} now"
    assert [re.sub("bytes, ", "", one) for one in found.differences] == [re.sub("bytes, ", "", said)]
    assert found.sentence == f"other was not reproduced: {found.differences[0]}"


def test_another_profile_is_said(definition: Definition, championed: Stores) -> None:
    """Of a run whose row names a profile that its snapshot does not give."""
    version = version_of(championed, definition)
    run = recorded_with(championed, version, profile=version.baseline)

    found = reproduce(definition, championed, run=run)

    assert found.differences == (f"reference profile: other counts: {version.baseline} then, {version.profile} now",)


def test_a_new_signing_key_is_told_from_another_model(definition: Definition, championed: Stores) -> None:
    """The digests are others, as they cover the signature; all that was signed is the same."""
    renewed = replace(championed, signing_key=bytes(range(32)), loaded={})
    version = version_of(championed, definition)

    found = reproduce(definition, renewed, run=version.id)

    assert [said.split(": ")[:2] for said in found.differences] == [
        ["model", "the same, but signed with another key"],
        ["baseline", "the same, but signed with another key"],
    ]


def test_a_lost_model_is_reproduced_from_its_snapshot(definition: Definition, championed: Stores) -> None:
    """Its digest is in the ledger, which is all that is needed to know it again."""
    version = version_of(championed, definition)
    championed.artifacts.delete(version.artifact)
    assert reproduce(definition, replace(championed, loaded={}), run=version.id).equal


def test_promise_11_a_training_is_reproduced_by_the_definition_of_then(define: Define, championed: Stores) -> None:
    """It is kept with the run, whatever its file says by now; that it has changed is said."""
    version = version_of(championed, define())
    other = define(title="Other bikes", features={"numeric": ["temperature"]}, estimator={"seed": 99})

    found = reproduce(other, championed, run=version.id)

    by = "by the definition of then, which has changed since"
    said = f"{version.id} was reproduced {by}: model, baseline and reference profile have the same digests"
    assert (found.equal, found.sentence) == (True, said)


def test_a_definition_that_no_code_reads_any_more_is_as_good_as_lost(define: Define, championed: Stores) -> None:
    """Fields come and go."""
    strange = championed.artifacts.put(b'{"name": "bikes_small", "colour": "red"}')
    run = recorded_with(championed, version_of(championed, define()), definition_digest=strange)
    with pytest.raises(RejectedError, match=rf"^definition: was {strange[:12]} when other was trained, is [0-9a-f]{{12}} now "):
        reproduce(define(), championed, run=run)


def test_a_definition_is_kept_as_long_as_its_training(define: Define, championed: Stores) -> None:
    """As the row of the training run names it, so that nothing collects it and the audit looks at it."""
    definition = define()
    assert Definition.model_validate_json(championed.artifacts.get(definition.digest)) == definition
    collect([definition], championed, now=datetime.now(UTC) + timedelta(days=3))
    assert audit(championed) == []
    championed.artifacts.delete(definition.digest)
    [found] = audit(championed)
    version = version_of(championed, definition)
    said = f"artifact {definition.digest}: is not in the store [ARTIFACT_MISSING]"
    assert (found.promise, found.where, found.found) == (17, f"bikes_small/all/{version.interval}: definition", said)


def test_another_definition_is_refused_where_that_of_then_is_lost(define: Define, championed: Stores) -> None:
    """Whatever changed in it, before a row is read."""
    definition = define()
    version = version_of(championed, definition)
    other = define(title="Other bikes")
    championed.artifacts.delete(definition.digest)
    with pytest.raises(RejectedError) as caught:
        reproduce(other, championed, run=version.id)
    found = f"was {definition.digest[:12]} when {version.id} was trained, is {other.digest[:12]} now"
    assert str(caught.value) == f"definition: {found} [REPRODUCE_REFUSED]"
    assert caught.value.fix == "run it with the definition of then and the environment of then"


def test_other_software_is_refused_with_all_that_differs(definition: Definition, championed: Stores) -> None:
    """Libraries and Perennial itself, each with both versions."""
    version = version_of(championed, definition)
    body = unsealed(championed.artifacts.get(version.artifact), "model")
    older = {**body, "versions": {**body["versions"], "scikit-learn": "1.0.0"}}
    manifest = championed.artifacts.put(sealed(older, championed.signing_key))
    run = recorded_with(championed, version, artifact=manifest, code_version="0.0.1")

    with pytest.raises(RejectedError) as caught:
        reproduce(definition, championed, run=run)

    assert str(caught.value).splitlines() == [
        f"perennial: was 0.0.1 when other was trained, is {__version__} now [REPRODUCE_REFUSED]",
        f"scikit-learn: was 1.0.0 when other was trained, is {sklearn.__version__} now [REPRODUCE_REFUSED]",
    ]


def test_a_lost_snapshot_is_said(definition: Definition, championed: Stores) -> None:
    """Nothing else could be trained on."""
    version = version_of(championed, definition)
    championed.artifacts.delete(version.snapshot)
    with pytest.raises(ArtifactError) as caught:
        reproduce(definition, championed, run=version.id)
    assert (caught.value.code, caught.value.where) == (Code.ARTIFACT_MISSING, f"artifact {version.snapshot}")


def test_a_run_that_never_was_is_unknown(definition: Definition, championed: Stores) -> None:
    """Neither a training run nor a version has this name."""
    with pytest.raises(RejectedError) as caught:
        reproduce(definition, championed, run="nothing")
    assert str(caught.value) == "bikes_small: nothing: there is no training run or version of this name [MODEL_UNKNOWN]"
