"""What many nulls say together is what each says alone."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.monitoring.shift.night_null import Null, night_null
from perennial.monitoring.shift.nulls import chances, thresholds


def nulls(shift: float) -> list[Null]:
    """Return those of columns with one bin and with many, of nights that are alike and that are not, and of few nights."""
    rng = np.random.default_rng(3)
    found = []
    for bins, nights, spread in [(1, 20, 0.0), (2, 20, 0.0), (30, 20, 0.0), (30, 20, 0.5), (12, 40, 2.0), (30, 3, 0.5)]:
        shares = rng.dirichlet(np.full(bins, 20.0), nights) * spread + 1 / bins
        counts = np.array([rng.multinomial(500, share / share.sum()) for share in shares])
        found.append(night_null(counts.sum(axis=0), counts[0], counts, shift))
    return found


@pytest.mark.parametrize("shift", [0.0, 0.2])
@pytest.mark.parametrize("level", [0.05, 1e-6])
def test_thresholds_are_those_of_each_null(shift: float, level: float) -> None:
    """Whichever part of the null they come from."""
    many = nulls(shift)
    assert thresholds(many, level).tolist() == pytest.approx([null.threshold(level) for null in many], rel=1e-8)


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_chances_are_those_of_each_null(shift: float) -> None:
    """To the last digits, in which sums of other lengths may differ."""
    many, psi = nulls(shift), np.linspace(0.01, 0.5, 6)
    alone = [null.p_value(figure) for null, figure in zip(many, psi.tolist(), strict=True)]
    assert chances(many, psi).tolist() == pytest.approx(alone, rel=1e-12)
