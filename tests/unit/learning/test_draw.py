"""Which rows are drawn where a fit may not have all of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from perennial.learning.draw import draw, lots_of

ROWS = 20_000


def lots(seed: int = 0, rows: int = ROWS) -> npt.NDArray[np.uint64]:
    """Return the lots of rows of ten entities, a microsecond apart."""
    return lots_of([f"entity {number}" for number in range(10)], np.arange(rows) % 10, np.arange(rows), seed)


@pytest.mark.parametrize(
    ("sizes", "most", "shares"),
    [
        ((50, 30, 20), 10, (5, 3, 2)),
        ((1, 1, 1), 2, (1, 1, 0)),  # each lost as much: the first ones get what is missing
        ((98, 1, 1), 10, (10, 0, 0)),  # 9.8, 0.1 and 0.1
        ((7, 5, 3), 14, (6, 5, 3)),  # 6.53, 4.67 and 2.8
    ],
)
def test_each_stratum_keeps_its_share(sizes: tuple[int, ...], most: int, shares: tuple[int, ...]) -> None:
    """By hand: rounded down, and the rest to those that lost most."""
    strata = np.repeat(np.arange(len(sizes)), sizes)
    drawn = draw(strata, lots(rows=strata.size), most)
    assert np.bincount(strata[drawn], minlength=len(sizes)).tolist() == list(shares)


def test_the_order_of_rows_does_not_matter() -> None:
    """The same rows are drawn, wherever they stand."""
    strata, order = np.arange(ROWS) // 700, np.random.default_rng(1).permutation(ROWS)
    drawn = draw(strata, lots(), 3_000)
    assert np.array_equal(draw(strata[order], lots()[order], 3_000), drawn[order])
    assert drawn.sum() == 3_000


def test_a_smaller_draw_is_a_part_of_a_larger_one() -> None:
    """Within a stratum, the smallest lots come first."""
    one = np.zeros(ROWS, dtype=np.int64)
    fewer, more = draw(one, lots(), 1_000), draw(one, lots(), 5_000)
    assert not (fewer & ~more).any()


def test_lots_follow_from_the_key_and_the_seed_alone() -> None:
    """The figures themselves: a drawn training must be drawn alike in years, on any machine."""
    assert lots_of(["north", "söuth"], np.array([0, 1, 0]), np.array([0, 0, -1]), 0).tolist() == [
        17856041090662060830,
        5547395760166599067,
        2724115135338407450,
    ]


def test_another_seed_draws_others() -> None:
    """As many in common as chance has it: a quarter of a quarter."""
    one = np.zeros(ROWS, dtype=np.int64)
    both = draw(one, lots(0), ROWS // 4) & draw(one, lots(1), ROWS // 4)
    assert abs(both.sum() / ROWS - 1 / 16) < 0.01


def test_entities_and_moments_are_drawn_alike() -> None:
    """Neither of ten entities nor of the hundreds of microseconds is one preferred: 1 000 of 10 000 each, 30 by chance."""
    drawn = draw(np.zeros(ROWS, dtype=np.int64), lots(), ROWS // 2)
    for part in (np.arange(ROWS) % 10, np.arange(ROWS) * 10 // ROWS):
        assert np.abs(np.bincount(part[drawn]) - ROWS / 20).max() < 120
