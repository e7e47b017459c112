"""Noise with a memory: the first-order autoregressive process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def autoregressive(generator: np.random.Generator, *, length: int, memory: float, sd: float) -> NDArray[np.float64]:
    """Return a stationary AR(1) process, ``x[i] = memory * x[i - 1] + e[i]``, with mean 0.

    Args:
        generator: Where the innovations come from; one draw per step.
        length: Number of steps.
        memory: The correlation of neighbouring steps, inside (-1, 1).
        sd: The standard deviation of x (not of the innovations).

    Returns:
        Shape (length,), in the unit of *sd*.

    References:
        Box and Jenkins, Time Series Analysis, 1970, section 3.2.
    """
    values = generator.normal(0.0, sd, length)
    values[1:] *= np.sqrt(1 - memory**2)
    for step in range(1, length):
        values[step] += memory * values[step - 1]
    return values
