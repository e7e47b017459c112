"""The world is one in which a model ages, and in which the shipped definition's retraining helps."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from perennial.definition.loader import load
from perennial.learning.features import feature_frame
from perennial.learning.fit import fit
from perennial.learning.predict import predict
from perennial.simulation.world import world
from perennial.steps.columns import feature_columns

DEFINITION = load(Path(__file__).parents[3] / "config" / "models" / "bike_demand.yml")
Rows = tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.float64]]]


@pytest.fixture(scope="module")
def history() -> Rows:
    """Return 410 days of features and rides."""
    built = world(seed=7, days=410, start=date(2024, 1, 1))
    return feature_frame(built.conditions, feature_columns(DEFINITION)), built.rides["rides"].to_numpy().astype(np.float64)


def trained(history: Rows, first: int, end: int) -> BaseEstimator:
    """Return the definition's estimator, fitted on the days from *first* up to *end*."""
    rows = slice(first * 24, end * 24)
    given, columns = DEFINITION.estimator, feature_columns(DEFINITION)
    return fit(
        history[0][rows],
        history[1][rows],
        path=given.path,
        task=given.task,
        columns=columns,
        seed=given.seed,
        parameters=given.parameters,
    )


@pytest.fixture(scope="module")
def never(history: Rows) -> BaseEstimator:
    """Return the model that is never trained again."""
    return trained(history, 45, 105)


def mae(model: BaseEstimator, history: Rows, first: int, end: int) -> float:
    """Return the mean absolute error, rides an hour, on the days from *first* up to *end*."""
    rows = slice(first * 24, end * 24)
    return float(np.mean(np.abs(predict(model, history[0][rows], task=DEFINITION.estimator.task) - history[1][rows])))


def test_a_model_that_is_never_retrained_ages_and_fails_after_the_shock(history: Rows, never: BaseEstimator) -> None:
    """Trained until day 105 it is good for a month, and more than two and a half times as wrong after day 370."""
    assert mae(never, history, 108, 138) < 60
    assert mae(never, history, 370, 400) > 2.5 * mae(never, history, 108, 138)


def test_retraining_a_week_after_the_shock_nearly_halves_the_error(history: Rows, never: BaseEstimator) -> None:
    """At day 369 there are five days of the new level to learn from, less than a tenth of the window; that is enough.

    The last day has no labels yet, and the three before are held out.
    """
    before, after = trained(history, 285, 345), trained(history, 309, 365)
    assert mae(after, history, 370, 400) < 0.6 * mae(before, history, 370, 400)
    assert mae(after, history, 370, 400) < 0.5 * mae(never, history, 370, 400)
