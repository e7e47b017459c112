"""The night's predictions: counted in the same pass, whole before the ledger is touched, with intervals where there are some."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.dummy import DummyRegressor

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, DataError
from perennial.core.receipts import (
    ModelVersion,
    Predicted,
    PredictionBatch,
    Publication,
    Purpose,
    Role,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.monitoring.counting.profile import Profile, profile
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Stores
from perennial.steps.collect import collect
from perennial.steps.extract import extract
from perennial.steps.monitor import measure
from perennial.steps.predict import predict
from perennial.steps.scoring.models import load
from perennial.steps.snapshots.rows import clean_rows
from perennial.steps.validate import validate
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
NIGHT = 31
INTERVAL = "perennial.learning.estimators:hist_gradient_boosting_interval_regressor"


class Says(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts a number for the first rows, and none for the others."""

    def predict(self, X: pd.DataFrame) -> Any:  # noqa: N803 - scikit-learn's name
        """Return five finite figures."""
        return np.where(np.arange(len(X)) < 5, 1.0, np.nan)


def _checked(definition: Definition, stores: Stores) -> tuple[Snapshot, Validation]:
    snapshot = extract(definition, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1))
    return snapshot, validate(definition, night(NIGHT), stores, snapshot=snapshot)


def _predicted(definition: Definition, stores: Stores) -> tuple[Snapshot, Validation, Predicted]:
    snapshot, validation = _checked(definition, stores)
    return snapshot, validation, predict(definition, night(NIGHT), stores, snapshot=snapshot, validation=validation)


def _version(definition: Definition, stores: Stores) -> ModelVersion:
    return stores.ledger.history(ModelVersion, definition.name)[-1]


def test_the_receipt_names_the_counts_of_the_rows_that_were_predicted(definition: Definition, championed: Stores) -> None:
    """They are what counting the night's clean rows by themselves gives."""
    snapshot, validation, predicted = _predicted(definition, championed)
    reference = Reference.from_json(championed.artifacts.get(_version(definition, championed).profile))
    expected = profile(reference.edges, clean_rows(definition, championed, snapshot, validation))
    assert expected == Profile.from_json(championed.artifacts.get(predicted.profile or ""))


def test_monitor_does_not_read_the_night_again(definition: Definition, championed: Stores) -> None:
    """With the snapshot's rows gone, drift is measured all the same, from the counts of the receipt."""
    definition = definition.model_copy(update={"monitoring": definition.monitoring.model_copy(update={"multivariate": False})})
    snapshot, validation, predicted = _predicted(definition, championed)
    for part in json.loads(championed.artifacts.get(snapshot.digest))["parts"]["rows"]:
        championed.artifacts.delete(part["digest"])
    given: dict[str, Any] = {"snapshot": snapshot, "validation": validation, "predicted": predicted}
    measured = measure(definition, night(NIGHT), championed, **given)
    assert (measured.profile, len(measured.drift)) == (predicted.profile, 5)


@pytest.mark.parametrize("named", [None, "of other edges"])
def test_counts_that_are_missing_or_another_champions_are_made_again(
    definition: Definition, championed: Stores, named: str | None
) -> None:
    """A night is measured again without its receipt, or after another champion took over."""
    snapshot, validation, predicted = _predicted(definition, championed)
    other = Profile(edges="0" * 64, rows=0, counts={}).to_json()
    changed = predicted.model_copy(update={"profile": named and championed.artifacts.put(other)})
    given: dict[str, Any] = {"snapshot": snapshot, "validation": validation}
    expected = measure(definition, night(NIGHT), championed, **given, predicted=predicted)
    assert expected == measure(definition, night(NIGHT), championed, **given, predicted=changed)


def test_counts_that_were_collected_before_monitor_came_are_made_again(
    definition: Definition, new_stores: Callable[..., Stores], retrained: Retrain
) -> None:
    """No row names them before a measurement does, so a collection a day later takes them; monitor measures all the same."""
    stores = new_stores(artifacts=MemoryArtifacts(lambda: day(0)))
    assert retrained(definition, stores, day(30)).promoted
    snapshot, validation, predicted = _predicted(definition, stores)
    assert predicted.profile in collect([definition], stores, now=day(100)).artifacts
    measured = measure(definition, night(NIGHT), stores, snapshot=snapshot, validation=validation, predicted=predicted)
    assert (measured.profile, len(measured.drift)) == (predicted.profile, 5)


def test_counts_that_are_damaged_stop_monitor(definition: Definition, championed: Stores) -> None:
    """They are not replaced in silence: somebody should look at the disk."""
    snapshot, validation, predicted = _predicted(definition, championed)
    assert predicted.profile is not None
    cast("MemoryArtifacts", championed.artifacts).contents[predicted.profile] = b"{}"
    with pytest.raises(ArtifactError) as caught:
        measure(definition, night(NIGHT), championed, snapshot=snapshot, validation=validation, predicted=predicted)
    assert caught.value.code is Code.ARTIFACT_CHECKSUM


def test_counts_of_other_rows_than_the_validation_let_through_are_made_again(define: Define, championed: Stores) -> None:
    """Where the night was validated again by itself and another row refused, the receipt counts one row too many."""
    definition = define()
    snapshot, _, predicted = _predicted(definition, championed)
    limit = clean_rows(definition, championed, snapshot, _checked(definition, championed)[1])["temperature"].to_pylist()
    below = {"column": "temperature", "max_value": sorted(limit)[-2]}
    strict = define(expectations=[{"type": "expect_column_values_to_be_between", "arguments": below}])
    validation = validate(strict, night(NIGHT), championed, snapshot=snapshot)
    measured = measure(strict, night(NIGHT), championed, snapshot=snapshot, validation=validation, predicted=predicted)
    assert (validation.verdict, validation.quarantined) == (Verdict.PASS, 1)
    assert measured.validation == validation.id
    assert Profile.from_json(championed.artifacts.get(measured.profile or "")).rows == snapshot.rows - 1


def test_twice_gives_the_same_receipt(definition: Definition, championed: Stores) -> None:
    """With the same ids and digests."""
    first = _predicted(definition, championed)
    assert first == _predicted(definition, championed)


def test_predictions_that_are_not_finite_leave_the_ledger_as_it_was(definition: Definition, championed: Stores) -> None:
    """Not even the champion's are published where the baseline's are wrong; all bad rows are counted, and nothing stays on disk."""
    baseline = _version(definition, championed).baseline
    championed.loaded[baseline] = replace(load(championed, baseline), model=Says())
    with pytest.raises(DataError) as caught:
        _predicted(definition, championed)
    assert str(caught.value) == "Says: must predict finite figures, got 19 of 24 that are not [PREDICTION_NONFINITE]"
    assert championed.ledger.history(PredictionBatch, definition.name) == []
    assert list(championed.scratch.glob("perennial-scratch-*")) == []


def test_a_night_without_a_clean_row_has_no_batch(define: Define, championed: Stores) -> None:
    """Should a verdict ever let such a night pass, there is nothing to predict, and no empty batch."""
    impossible = {"type": "expect_column_values_to_be_between", "arguments": {"column": "temperature", "min_value": 1000}}
    strict = define(expectations=[impossible])
    snapshot, refused = _checked(strict, championed)
    passed = championed.ledger.record(refused.model_copy(update={"id": "passed", "verdict": Verdict.PASS}))
    predicted = predict(strict, night(NIGHT), championed, snapshot=snapshot, validation=passed)
    assert (refused.quarantined, predicted.batches, predicted.profile) == (24, (), None)
    assert predicted.sentence == "validation left no row, so nothing was predicted"


def test_intervals_are_published_with_the_champions_predictions(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Each holds its prediction; the baseline has none."""
    definition = define(estimator={"path": INTERVAL, "parameters": {"coverage": 0.8, "max_iter": 10}})
    assert retrained(definition, stores, day(30)).promoted
    _predicted(definition, stores)
    found = stores.ledger.predictions(definition.name, within=night(NIGHT))
    low, middle, high = (found.column(name) for name in ("low", "prediction", "high"))
    assert (found.num_rows, low.null_count, high.null_count) == (24, 0, 0)
    assert pc.all(pc.and_(pc.less_equal(low, middle), pc.less_equal(middle, high))).as_py()
    assert pc.any(pc.less(low, high)).as_py()
    trivial = stores.ledger.predictions(definition.name, role=Role.BASELINE, within=night(NIGHT))
    assert (trivial.num_rows, trivial.column("low").null_count) == (24, 24)


def test_a_new_category_and_an_empty_column_are_predicted(
    define: Define, tables: dict[str, pa.Table], stores: Stores, retrained: Retrain
) -> None:
    """What the training rows did not hold counts as missing."""
    conditions = tables["conditions"]
    sky = np.where(np.arange(conditions.num_rows) % 3, "clear", "grey")
    tables["conditions"] = conditions.append_column("sky", pa.array(sky))
    path = "perennial.learning.estimators:hist_gradient_boosting_regressor"
    checked = [{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "city"}}]
    changed = {"features": {"categorical": ["sky"]}, "expectations": checked, "estimator": {"path": path, "parameters": None}}
    definition = define(**changed, quality={"faults": {"blocks": False}})
    assert retrained(definition, stores, day(30)).promoted
    table = tables["conditions"]
    for name, values in (("sky", ["purple"] * table.num_rows), ("temperature", [None] * table.num_rows)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))
    tables["conditions"] = table
    predicted = _predicted(definition, stores)[2]
    assert [batch.rows for batch in predicted.batches] == [24, 24]
    counts = Profile.from_json(stores.artifacts.get(predicted.profile or "")).counts
    assert (counts["temperature"][-1], counts["sky"][-2:]) == (24, (24, 0))
