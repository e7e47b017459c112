"""What many nulls say together is what each says alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from perennial.monitoring.shift.night_null import Null, night_null


def columns(shift: float) -> list[Null]:
    """Return those of columns with one bin and with many, of nights that are alike and that are not, and of few nights."""
    rng = np.random.default_rng(3)
    found = []
    for bins, nights, spread in [(1, 20, 0.0), (2, 20, 0.0), (30, 20, 0.0), (30, 20, 0.5), (12, 40, 2.0), (30, 3, 0.5)]:
        shares = rng.dirichlet(np.full(bins, 20.0), nights) * spread + 1 / bins
        counts = np.array([rng.multinomial(500, share / share.sum()) for share in shares])
        found.append(night_null(counts.sum(axis=0), counts[0], counts, shift))
    return found


def together(many: Sequence[Null]) -> Null:
    """Return *many* as one, shape (columns,)."""
    return Null.of([Null(*map(np.atleast_1d, null.parts)) for null in many])


@pytest.mark.parametrize("shift", [0.0, 0.2])
@pytest.mark.parametrize("level", [0.05, 1e-6])
def test_thresholds_are_those_of_each_null(shift: float, level: float) -> None:
    """Whichever part of the null they come from."""
    many = columns(shift)
    assert together(many).threshold(level).tolist() == pytest.approx([float(null.threshold(level)) for null in many], rel=1e-8)


@pytest.mark.parametrize("shift", [0.0, 0.2])
def test_chances_are_those_of_each_null(shift: float) -> None:
    """To the last digits, in which sums of other lengths may differ."""
    many, psi = columns(shift), np.linspace(0.01, 0.5, 6)
    alone = [float(null.p_value(figure)) for null, figure in zip(many, psi.tolist(), strict=True)]
    assert together(many).p_value(psi).tolist() == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("level", [0.05, 1e-6])
def test_a_threshold_has_the_chance_that_was_asked_for(level: float) -> None:
    """By the worse of its two parts, to one part in ten million; a constant column has none."""
    null = together(columns(0.2))
    found = null.threshold(level)
    assert found[0] == np.inf
    assert null.p_value(found)[1:] == pytest.approx(level, rel=1e-7)


def test_columns_of_equally_many_bins_are_learnt_from_together_as_each_alone() -> None:
    """Bit by bit: of nights in two groups."""
    rng, group = np.random.default_rng(5), np.arange(24) % 2
    nights = rng.multinomial(500, rng.dirichlet(np.full(30, 20.0), (8, 24)))
    before, now = nights.sum(axis=1), nights[:, 0]
    many = night_null(before, now, nights, 0.2, group)
    for place in range(8):
        alone = night_null(before[place], now[place], nights[place], 0.2, group)
        assert [part[place] for part in many.parts] == list(alone.parts)
