"""What a model predicts when the values of one column are shuffled among the rows, column by column."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from perennial.learning.binned_boosting import BinnedBoostingClassifier, BinnedBoostingRegressor
from perennial.learning.category_codes import CategoryCodes
from perennial.learning.estimator_faults import estimator_faults
from perennial.learning.predict import Floats, raw_predictions
from perennial.learning.threads import steady_threads

Places = npt.NDArray[np.int64]


def shuffled_predictions(model: BaseEstimator, frame: pd.DataFrame, orders: Places, *, task: str) -> Iterator[tuple[str, Floats]]:
    """Yield each column's name, and what *model* predicts when it is shuffled.

    Our boosted trees look at each column by itself before they look at any together. So their rows are encoded and binned once, it
    is bins that are shuffled, and a tree is asked again only where a row may leave it by another leaf: the same figures, for a
    twentieth of the work.

    Args:
        model: A fitted estimator.
        frame: The features, which are left as they are.
        orders: Shape (times, rows): whose value each row gets.
        task: ``regression`` or ``binary``.

    Yields:
        A name and the predictions, shape (times, rows).

    Raises:
        DefinitionError: DEFINITION_ESTIMATOR, the model cannot predict the frame.
    """
    if _is_boosted(model, frame, task):
        yield from _by_bins(model, frame, orders)
    else:
        yield from _by_frames(model, frame, orders, task)


def _is_boosted(model: BaseEstimator, frame: pd.DataFrame, task: str) -> bool:
    """Return whether *model* is an encoder that reads each of the columns by itself, and then trees that predict from bins."""
    if not isinstance(model, Pipeline) or len(model.steps) != len(("encoder", "trees")):
        return False
    encoder, trees = (step for _, step in model.steps)
    kinds = (BinnedBoostingClassifier, BinnedBoostingRegressor) if task == "binary" else BinnedBoostingRegressor
    return type(encoder) is CategoryCodes and isinstance(trees, kinds) and {*frame.columns} == {*_columns(encoder)}


def _columns(encoder: CategoryCodes) -> tuple[str, ...]:
    return (*encoder.categorical, *encoder.figures)


def _by_bins(model: Pipeline, frame: pd.DataFrame, orders: Places) -> Iterator[tuple[str, Floats]]:
    encoder, trees = (step for _, step in model.steps)
    with steady_threads(frame.size * len(orders)), estimator_faults(type(trees).__name__, "predict"):
        sums = trees.shuffled_sums(trees.bins(encoder.transform(frame)), orders)
    places = {name: place for place, name in enumerate(_columns(encoder))}
    for name in frame.columns:
        yield name, trees.figures_of(sums[places[name]])


def _by_frames(model: BaseEstimator, frame: pd.DataFrame, orders: Places, task: str) -> Iterator[tuple[str, Floats]]:
    repeated = frame.iloc[np.tile(np.arange(len(frame)), len(orders))].reset_index(drop=True)
    for name in frame.columns:
        shuffled = repeated.assign(**{name: frame[name].array.take(orders.ravel())})
        yield name, raw_predictions(model, shuffled, task=task).reshape(orders.shape)
