"""What a model predicts when a column is shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from perennial.learning.binned_boosting import BinnedBoosting, BinnedBoostingRegressor, Bins, Floats
from perennial.learning.features import Columns
from perennial.learning.fit import fit
from perennial.learning.predict import raw_predictions
from perennial.learning.shuffled import Places, shuffled_predictions

ESTIMATORS = "perennial.learning.estimators:"


class Counted(BinnedBoostingRegressor):
    """Counts how many figures it bins, and how many bins it predicts from."""

    binned = predicted = 0

    def bins(self, X: Floats) -> Bins:  # noqa: N803 - scikit-learn's
        """Count them."""
        Counted.binned += X.size
        return super().bins(X)

    def _add_trees(self, block: Any, raw: Floats) -> None:
        Counted.predicted += block.size
        super()._add_trees(block, raw)


def _orders(rows: int) -> Places:
    draw = np.random.default_rng(8)
    return np.stack([draw.permutation(rows) for _ in range(3)])


def _one_by_one(model: Any, frame: pd.DataFrame, orders: Places, task: str) -> dict[str, list[bytes]]:
    """Shuffle each column of the frame itself, and predict that."""
    found: dict[str, list[bytes]] = {}
    for name in frame.columns:
        shuffled = [frame.assign(**{name: frame[name].array.take(order)}) for order in orders]
        found[name] = [raw_predictions(model, one, task=task).tobytes() for one in shuffled]
    return found


@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("hist_gradient_boosting_regressor", "regression"),
        ("hist_gradient_boosting_classifier", "binary"),
        ("hist_gradient_boosting_interval_regressor", "regression"),
        ("ridge_regressor", "regression"),
    ],
)
def test_the_figures_are_those_of_a_shuffled_frame_to_the_bit(
    frame: pd.DataFrame, target: Any, columns: Columns, path: str, task: str
) -> None:
    """Whatever is shuffled within: a frame, or bins. Values are missing, and categories come that were never seen."""
    labels = target if task == "regression" else (target > np.median(target)).astype(np.float64)
    parameters = {} if path.startswith("ridge") else {"max_iter": 10}
    model = fit(frame, labels, path=ESTIMATORS + path, task=task, columns=columns, seed=0, parameters=parameters)
    gaps = np.random.default_rng(9).random(frame.shape) < 0.1
    met = frame.mask(pd.DataFrame(gaps, columns=frame.columns, index=frame.index))
    met["sky"] = met["sky"].cat.rename_categories({met["sky"].cat.categories[0]: "never seen"})
    orders = _orders(len(met))
    found = {name: [once.tobytes() for once in told] for name, told in shuffled_predictions(model, met, orders, task=task)}
    assert found == _one_by_one(model, met, orders, task)


def test_boosted_trees_bin_a_frame_once(
    frame: pd.DataFrame, target: Any, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many columns there are, and however often each is shuffled."""
    model = fit(
        frame,
        target,
        path=f"{ESTIMATORS}hist_gradient_boosting_regressor",
        task="regression",
        columns=columns,
        seed=0,
        parameters={"max_iter": 3},
    )
    assert isinstance(model, Pipeline)
    assert isinstance(model.steps[-1][1], BinnedBoosting)
    model.steps[-1][1].__class__ = Counted
    for counted in ("binned", "predicted"):
        monkeypatch.setattr(Counted, counted, 0)
    told = dict(shuffled_predictions(model, frame, _orders(len(frame)), task="regression"))
    assert list(told) == list(frame.columns)
    assert (Counted.binned, Counted.predicted) == (frame.size, frame.shape[1] * 3 * frame.size)
