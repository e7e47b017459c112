"""Models that were built out of a file, before they are run."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder
from sklearn.utils.validation import check_array

from perennial.core.errors import ArtifactError
from perennial.learning.built import check_built

FRAME = pd.DataFrame({"sky": ["clear", "grey", "dark", "grey"] * 5, "hour": np.arange(20.0) % 4})
TARGET = np.arange(20.0)


def _refusal(model: BaseEstimator) -> str:
    with pytest.raises(ArtifactError) as caught:
        check_built(model, "model")
    return str(caught.value).removeprefix("model: must be as it was fitted, got ")


def test_an_attribute_in_the_place_of_a_method_is_refused() -> None:
    """A forest whose check of its columns is another function would follow columns that are not there."""
    model = RandomForestRegressor(2).fit(FRAME[["hour"]], TARGET)
    model._validate_X_predict = check_array
    assert _refusal(make_pipeline(model)) == ("an attribute of RandomForestRegressor in the place of a method [MODEL_CORRUPT]")


def test_a_tree_with_an_attribute_in_the_place_of_a_method_is_refused() -> None:
    """It is no estimator, and is asked like one."""
    model = HistGradientBoostingRegressor(max_iter=1).fit(FRAME[["hour"]], TARGET)
    model._predictors[0][0].predict = partial(np.abs)
    assert _refusal(model) == "an attribute of TreePredictor in the place of a method [MODEL_CORRUPT]"


def test_a_model_that_would_start_processes_is_refused() -> None:
    """What is fitted here predicts on one thread; a number out of a file may be any."""
    model = make_pipeline(LinearRegression(n_jobs=2)).fit(FRAME[["hour"]], TARGET)
    assert _refusal(model) == "a LinearRegression that would start processes (n_jobs) [MODEL_CORRUPT]"


def test_a_model_that_cannot_be_looked_through_is_refused() -> None:
    """With our error, whatever the libraries raise."""
    model = RandomForestRegressor(2).fit(FRAME[["hour"]], TARGET)
    del model.estimators_[0].tree_
    model.other_ = model.estimators_.pop()
    del model.estimators_
    with pytest.raises(ArtifactError) as caught:
        check_built(model, "model")
    assert str(caught.value) == "model: cannot be looked through (AttributeError) [MODEL_CORRUPT]"


ENCODERS = {
    "plain": OneHotEncoder(),
    "dense": OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
    "rare": OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
    "least": OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=6),
    "dropped": OneHotEncoder(drop="first"),
    "both": OneHotEncoder(drop="first", max_categories=2),
    "binary": OneHotEncoder(drop="if_binary"),
    "listed": OneHotEncoder(categories=[["clear", "dark", "grey"], [0.0, 1.0, 2.0, 3.0, np.nan]]),
}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_what_scikit_learn_fits_stays_inside_its_columns(encoder: OneHotEncoder) -> None:
    """Texts and numbers, rare ones, dropped ones, and an encoder that is not fitted."""
    check_built(make_pipeline(encoder.fit(FRAME), OneHotEncoder()), "model")


def test_the_encoder_inside_of_bins_stays_inside_its_columns() -> None:
    """It knows each bin as a number."""
    bins = KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf").fit(FRAME[["hour"]])
    check_built(bins, "model")
    bins._encoder._n_features_outs = [1]
    assert _refusal(bins) == "another number of columns than of codes [MODEL_CORRUPT]"


COLUMNS, CODES = "another number of columns than of codes", "a category with a code outside its columns"


@pytest.mark.parametrize(
    ("name", "attribute", "value", "fault"),
    [
        ("plain", "_n_features_outs", [3, 2], COLUMNS),
        ("plain", "_n_features_outs", [3, 10**9], COLUMNS),
        ("plain", "_n_features_outs", [3], COLUMNS),
        (
            "plain",
            "categories_",
            [np.array(["clear", "grey", "dark"], "O"), np.array([9.0, 1.0, 2.0])],
            "categories that are out of order",
        ),
        ("plain", "categories_", [np.array(["clear"], "O"), np.array([])], CODES),
        ("rare", "_default_to_infrequent_mappings", [np.array([1, 0, 7]), np.array([1, 1, 1, 0])], COLUMNS),
        ("rare", "_default_to_infrequent_mappings", [np.array([1, 0, -1]), np.array([1, 1, 1, 0])], CODES),
        ("rare", "_default_to_infrequent_mappings", [np.array([1, 0]), np.array([1, 1, 1, 0])], CODES),
        ("rare", "_infrequent_indices", [np.array([9]), np.array([0, 1, 2])], "categories that are out of order"),
        ("dropped", "_drop_idx_after_grouping", np.array([-5, 0], "O"), "a dropped category that does not exist"),
        ("dropped", "_drop_idx_after_grouping", np.array([None, 0], "O"), COLUMNS),
    ],
)
def test_a_code_outside_the_columns_of_an_encoder_is_refused(name: str, attribute: str, value: object, fault: str) -> None:
    """It would be written behind the matrix, which ends the process or worse."""
    encoder = ENCODERS[name].fit(FRAME)
    setattr(encoder, attribute, value)
    assert _refusal(make_pipeline(encoder)) == f"{fault} [MODEL_CORRUPT]"
