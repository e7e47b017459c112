"""Predictions with the interval in which the label should lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from perennial.core.errors import DefinitionError
from perennial.learning.codec import dump_model, load_model
from perennial.learning.features import Columns
from perennial.learning.fit import fit
from perennial.learning.predict import nonfinite, predict, prediction_intervals

PATH = "perennial.learning.estimators:hist_gradient_boosting_interval_regressor"
COLUMNS = Columns(numeric=("x",), categorical=(), time=(), event_at="at", timezone="UTC")
FRAME = pd.DataFrame({"x": [1.0, 2.0]})
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


class Says(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Gives the intervals that it was told to."""

    def __init__(self, said: Any = None) -> None:
        """Keep what to say."""
        self.said = said

    def predict_interval(self, X: pd.DataFrame) -> Any:  # noqa: ARG002, N803 - as scikit-learn names it
        """Return it."""
        return self.said


def _world(rows: int, seed: int) -> tuple[pd.DataFrame, Floats]:
    """Return figures, and labels that scatter the more the larger they are."""
    draw = np.random.default_rng(seed)
    x = draw.uniform(0, 4, rows)
    return pd.DataFrame({"x": x}), x + draw.normal(size=rows) * (0.2 + x)


def _fitted(**parameters: Any) -> Any:
    frame, labels = _world(4000, 1)
    few = {"max_iter": 40, "min_samples_leaf": 100, **parameters}
    return fit(frame, labels, path=PATH, task="regression", columns=COLUMNS, seed=0, parameters=few)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_the_interval_holds_about_the_share_of_new_labels_that_was_asked_for(coverage: float) -> None:
    """And it is wider where labels scatter more."""
    model, (frame, labels) = _fitted(coverage=coverage), _world(4000, 2)
    ends = prediction_intervals(model, frame, predict(model, frame, task="regression"))
    assert ends is not None
    held = np.mean((ends[:, 0] <= labels) & (labels <= ends[:, 1]))
    width = ends[:, 1] - ends[:, 0]
    assert held == pytest.approx(coverage, abs=0.05)
    assert width[frame["x"] > 3].mean() > 2 * width[frame["x"] < 1].mean()


def test_it_survives_its_storage(shelf: Any, key: bytes) -> None:
    """To the bit, figures and intervals."""
    model, (frame, _) = _fitted(), _world(50, 3)
    digest = dump_model(model, frame=frame, task="regression", columns=COLUMNS, key=key, code_version="1", put=shelf.put)
    loaded = load_model(digest, key=key, get=shelf.get_bytes)
    figures = predict(loaded.model, frame, task="regression")
    before, after = prediction_intervals(model, frame, figures), prediction_intervals(loaded.model, frame, figures)
    assert before is not None
    assert after is not None
    assert predict(model, frame, task="regression").tobytes() == figures.tobytes()
    assert before.tobytes() == after.tobytes()


def test_an_interval_is_widened_to_hold_its_figure() -> None:
    """Three models seldom agree; a reader should not have to wonder."""
    ends = prediction_intervals(Says([[2.0, 3.0], [0.0, 1.0]]), FRAME, np.array([1.0, 5.0]))
    assert ends is not None
    assert ends.tolist() == [[1.0, 3.0], [0.0, 5.0]]


def test_most_models_give_none() -> None:
    """That is no fault."""
    assert prediction_intervals(DummyRegressor(), FRAME, np.array([1.0, 5.0])) is None


def test_an_end_that_is_not_finite_counts_once_a_row() -> None:
    """Both ends of one row are one bad row."""
    ends = prediction_intervals(Says([[np.nan, np.inf], [0.0, np.inf]]), FRAME, np.array([1.0, 1.0]))
    assert ends is not None
    assert nonfinite(ends) == 2


def test_anything_but_two_ends_a_row_is_refused() -> None:
    """Its shape is told."""
    with pytest.raises(DefinitionError) as caught:
        prediction_intervals(Says([1.0, 2.0]), FRAME, np.array([1.0, 1.0]))
    assert str(caught.value) == (
        "Says: must predict two ends of an interval a row, got shape (2,) for 2 rows [DEFINITION_ESTIMATOR]"
    )


@pytest.mark.parametrize("coverage", [0.0, 1.0, 1.5])
def test_a_coverage_outside_0_and_1_is_refused(coverage: float) -> None:
    """A definition says what is allowed."""
    with pytest.raises(DefinitionError) as caught:
        _fitted(coverage=coverage)
    assert str(caught.value) == (
        f"{PATH}: cannot be called with its parameters "
        f"(ValueError: coverage must be above 0 and below 1, got {coverage}) [DEFINITION_ESTIMATOR]"
    )
