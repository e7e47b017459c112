"""Trivial models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.errors import DataError
from perennial.learning.baseline import baseline_columns, fit_baseline
from perennial.learning.features import feature_frame
from perennial.learning.predict import predict

MOMENT = pa.timestamp("us", "UTC")
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
MONDAYS = pa.array([MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(hours=1)], MOMENT)


def _predicted(kind: str, *moments: datetime) -> list[float]:
    model = fit_baseline(kind, MONDAYS, [1.0, 3.0, 11.0], "UTC")  # type: ignore[arg-type]  # the kinds are the test's parameters
    frame = feature_frame(pa.table({"at": pa.array(list(moments), MOMENT)}), baseline_columns("at", "UTC"))
    return list(predict(model, frame, task="regression"))


@pytest.mark.parametrize(("kind", "expected"), [("mean", 5.0), ("median", 3.0)])
def test_mean_and_median_are_the_same_at_every_moment(kind: str, expected: float) -> None:
    """They look at no feature."""
    assert _predicted(kind, MONDAY, MONDAY + timedelta(hours=50)) == [expected, expected]


def test_seasonal_is_the_mean_of_the_same_weekday_and_hour() -> None:
    """Two Mondays at midnight average; one o'clock stands alone; a weekday that was never seen gets the mean of all."""
    moments = (MONDAY + timedelta(days=14), MONDAY + timedelta(days=14, hours=1), MONDAY + timedelta(days=1))
    assert _predicted("seasonal", *moments) == [2.0, 11.0, 5.0]


def test_weekday_and_hour_are_told_in_the_timezone() -> None:
    """The same local hour before and after the clock changes is one cell."""
    winter, summer = datetime(2024, 3, 25, 11, tzinfo=UTC), datetime(2024, 4, 1, 10, tzinfo=UTC)
    times = pa.array([winter, winter + timedelta(hours=1)], MOMENT)
    model = fit_baseline("seasonal", times, [4.0, 8.0], "Europe/Berlin")
    frame = feature_frame(pa.table({"at": pa.array([summer], MOMENT)}), baseline_columns("at", "Europe/Berlin"))
    assert predict(model, frame, task="regression").tolist() == [4.0]


def test_a_numpy_array_of_moments_is_in_utc() -> None:
    """Arrow and numpy give the same model."""
    times = np.array(["2024-01-01T00", "2024-01-08T00", "2024-01-01T01"], dtype="datetime64[s]")
    frame = feature_frame(pa.table({"at": MONDAYS}), baseline_columns("at", "UTC"))
    model = fit_baseline("seasonal", times, [1.0, 3.0, 11.0], "UTC")
    assert predict(model, frame, task="regression").tolist() == [2.0, 2.0, 11.0]


def test_for_a_class_the_mean_is_a_probability() -> None:
    """The baseline of a binary task predicts the share of class 1."""
    model = fit_baseline("mean", MONDAYS, [0.0, 1.0, 1.0], "UTC")
    frame = feature_frame(pa.table({"at": MONDAYS}), baseline_columns("at", "UTC"))
    assert predict(model, frame, task="binary").tolist() == [2 / 3] * 3


def test_missing_labels_are_refused() -> None:
    """A baseline is fitted to what is known only."""
    with pytest.raises(DataError, match=r"^target: must be finite, got 1 of 3 rows that are not \[DATA_NONFINITE\]$"):
        fit_baseline("mean", MONDAYS, [0.0, float("nan"), 1.0], "UTC")
