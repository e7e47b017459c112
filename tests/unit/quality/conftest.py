"""Where the numbers of nights lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from perennial.quality.night_figures import Numbers
from perennial.quality.usual import UsualNumbers

Values = npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def usual() -> Callable[[Sequence[Values]], UsualNumbers]:
    """Return the function that says where the numbers of several nights lie."""

    def made(nights: Sequence[Values]) -> UsualNumbers:
        each = [Numbers.of(values, float(values.min()), float(values.max())) for values in nights]
        return UsualNumbers(
            low=np.array([one.low for one in each]),
            high=np.array([one.high for one in each]),
            most=np.array([one.most for one in each]),
            quantiles=np.array([one.quantiles for one in each]),
        )

    return made
