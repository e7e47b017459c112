"""What libraries load at their first use, loaded before the first fork, so that no fork has to."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from perennial import __version__
from perennial.learning.codec import write_model
from perennial.learning.estimators import ridge_regressor
from perennial.learning.features import Columns, feature_frame


@cache
def warm() -> None:
    """Fit, store and load a linear model of two rows; it starts no thread."""
    columns = Columns(numeric=("figure",), categorical=("name",), time=("hour",), event_at="at", timezone="UTC")
    at = pa.array([0, 3_600_000_000], pa.timestamp("us", "UTC"))
    frame = feature_frame(pa.table({"at": at, "figure": [0.0, 1.0], "name": ["a", "b"]}), columns)
    model = ridge_regressor(columns=columns, seed=0).fit(frame, np.array([0.0, 1.0]))
    write_model(model, frame=frame, task="regression", columns=columns, code_version=__version__)
