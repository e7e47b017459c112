"""Independent streams of random numbers, one per source of chance, so that one more draw here moves nothing there."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What chance decides. The numbers are part of the world: changing one changes every figure drawn from it."""

    TEMPERATURE = 1
    WETNESS = 2
    HUMIDITY = 3
    DAY = 4
    HOUR = 5
    COUNT = 6
    ARRIVAL = 7


def stream(seed: int, source: Stream) -> np.random.Generator:
    """Return the generator of *source* in the world of *seed*."""
    return np.random.default_rng([seed, source.value])
