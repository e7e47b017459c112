"""When the true count of an hour is known: it is reconciled a day later, sometimes much later."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perennial.simulation.streams import Stream, stream

LEAST_DELAY = 24.0
"""Hours from the event to the earliest possible arrival."""

TAIL_MEDIAN, TAIL_SPREAD = 3.0, 1.1
"""Median of what comes on top, hours, and the standard deviation of its logarithm. One label in a hundred waits 39 h more."""

GREATEST_DELAY = 168.0
"""Hours after which every label has arrived: 7 days."""


def label_delay(seed: int, hours: int) -> NDArray[np.float64]:
    """Return the hours from each event to the arrival of its label: 24 plus a lognormal tail, at most 168."""
    tail = stream(seed, Stream.ARRIVAL).lognormal(np.log(TAIL_MEDIAN), TAIL_SPREAD, hours)
    return np.minimum(LEAST_DELAY + tail, GREATEST_DELAY)
