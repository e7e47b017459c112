"""What becomes of a champion that was fitted before scikit-learn was upgraded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
import sklearn

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, Role
from perennial.learning import estimators
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing import InlineWorkshop
from perennial.testing.story import day, night

if TYPE_CHECKING:
    from collections.abc import Callable

    from perennial.core.receipts import Publication
    from perennial.definition.models import Definition


@pytest.fixture
def upgraded(
    definition: Definition,
    stores: Stores,
    retrained: Callable[[Definition, Stores, datetime], Publication],
    monkeypatch: pytest.MonkeyPatch,
) -> Stores:
    """Stores whose champion was fitted with an older scikit-learn, opened anew after the upgrade."""
    with monkeypatch.context() as before:
        before.setattr(sklearn, "__version__", "1.0.0")
        assert retrained(definition, replace(stores, workshop=InlineWorkshop()), day(30)).promoted
    return replace(stores, loaded={})


def test_after_an_upgrade_the_old_champion_predicts_nothing(definition: Definition, upgraded: Stores) -> None:
    """The night fails with the versions that are needed, rather than with other predictions."""
    with pytest.raises(ArtifactError) as caught:
        score(definition, night(31), upgraded, as_of=night(31).end)
    assert caught.value.code is Code.ENVIRONMENT_MISMATCH


def test_after_an_upgrade_a_retraining_replaces_the_champion(
    define: Callable[..., Definition],
    upgraded: Stores,
    retrained: Callable[[Definition, Stores, datetime], Publication],
) -> None:
    """The challenger is judged beside the baseline only, the evaluation says why, and the next night has no shadow."""
    definition = define(publish={"shadow": "first_champion"})
    old = upgraded.ledger.champion(definition.name)
    assert old is not None

    published = retrained(definition, upgraded, day(33))

    evaluation = upgraded.ledger.history(Evaluation, definition.name)[-1]
    said = f"{old.version} was fitted with another Python, numpy or scikit-learn and cannot predict here, so it was left out."
    assert published.promoted
    assert evaluation.champion == old.version
    assert evaluation.sentence.endswith(said)
    assert set(evaluation.metrics) == {"challenger", "baseline"}
    score(definition, night(34), upgraded, as_of=night(34).end)
    roles = {role: upgraded.ledger.predictions(definition.name, role=role, within=night(34)).num_rows for role in Role}
    assert roles == {Role.CHAMPION: 24, Role.BASELINE: 24, Role.SHADOW: 0}


def test_after_an_upgrade_the_same_window_gives_a_new_version(
    definition: Definition,
    upgraded: Stores,
    retrained: Callable[[Definition, Stores, datetime], Publication],
) -> None:
    """What it was fitted with is a part of a training run: the same rows with other libraries are another model."""
    [old] = upgraded.ledger.history(ModelVersion, definition.name)
    assert retrained(definition, upgraded, day(30)).promoted
    new = upgraded.ledger.get(ModelVersion, upgraded.ledger.history(Promotion, definition.name)[-1].version or "")
    assert (new.snapshot, new.definition_digest) == (old.snapshot, old.definition_digest)
    assert (new.id != old.id, new.artifact != old.artifact) == (True, True)
    score(definition, night(31), upgraded, as_of=night(31).end)
    assert upgraded.ledger.predictions(definition.name, within=night(31)).num_rows == 24


def test_another_function_under_the_same_name_gives_a_new_version(
    definition: Definition,
    championed: Stores,
    retrained: Callable[[Definition, Stores, datetime], Publication],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The author changed what the estimator's function returns, and not the definition; trained twice it is one version."""
    monkeypatch.setattr(estimators, "ridge_regressor", partial(estimators.ridge_regressor, alpha=5.0))
    for _ in range(2):
        retrained(definition, replace(championed, workshop=InlineWorkshop()), day(30))
    old, new = championed.ledger.history(ModelVersion, definition.name)
    assert (old.snapshot, old.definition_digest) == (new.snapshot, new.definition_digest)
    assert old.artifact != new.artifact
