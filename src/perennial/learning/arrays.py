"""The kinds of arrays that figures are made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]
"""The group that each row belongs to, from 0."""
