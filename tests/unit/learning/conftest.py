"""Rows, features and labels that the tests of this floor share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from perennial.core.digest import digest_bytes
from perennial.learning.features import Columns, feature_frame

ROWS = 240


@pytest.fixture(autouse=True, scope="module")  # not longer: other floors have their threads
def one_thread() -> Iterator[None]:
    """Small fits on one thread: several would wait for each other for longer than they work."""
    with threadpool_limits(limits=1):
        yield


class Shelf(dict[str, bytes]):
    """Bytes by digest."""

    def put(self, content: bytes) -> str:
        """Keep *content* and return its digest."""
        digest = digest_bytes(content)
        self[digest] = content
        return digest

    def get_bytes(self, digest: str) -> bytes:
        """Return what is under *digest*."""
        return self[digest]


@pytest.fixture
def columns() -> Columns:
    """Features of all three kinds."""
    time = ("hour", "weekday", "elapsed_days")
    return Columns(numeric=("temperature",), categorical=("sky", "wet"), time=time, event_at="event_at", timezone="UTC")


@pytest.fixture
def rows() -> pa.Table:
    """Ten days of hourly rows; some skies are not known."""
    draw = np.random.default_rng(7)
    at = np.datetime64("2024-01-01T00", "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    sky = [None if row % 17 == 0 else ("clear", "grey", "dark")[row % 3] for row in range(ROWS)]
    return pa.table(
        {
            "event_at": pa.array(at, pa.timestamp("us", "UTC")),
            "temperature": pa.array(draw.normal(10, 5, ROWS)),
            "sky": pa.array(sky, pa.string()),
            "wet": pa.array(draw.integers(0, 2, ROWS), pa.int64()),
        }
    )


@pytest.fixture
def frame(rows: pa.Table, columns: Columns) -> pd.DataFrame:
    """The features of the rows."""
    return feature_frame(rows, columns)


@pytest.fixture
def target(frame: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Labels that follow the temperature, the hour and the sky."""
    noise = np.random.default_rng(8).normal(size=len(frame))
    dark = (frame["sky"] == "dark").to_numpy(dtype=np.float64)
    temperature = frame["temperature"].to_numpy(dtype=np.float64)
    labels: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        temperature + 3 * np.sin(frame["hour"].to_numpy(dtype=np.float64) / 24 * 2 * np.pi) - 8 * dark + noise
    )
    return labels


@pytest.fixture
def shelf() -> Shelf:
    """An empty store of bytes."""
    return Shelf()


@pytest.fixture
def key() -> bytes:
    """A signing key."""
    return b"k" * 32
