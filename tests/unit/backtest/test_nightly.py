"""Policies side by side, night by night, and how sure their differences are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from perennial.backtest.lane import TriedNight, TriedRetraining
from perennial.backtest.nightly import Nightly, side_by_side
from perennial.core.receipts import Action
from perennial.testing.story import day, night


def nights(losses: Sequence[float | None], labelled: int = 10) -> dict[object, TriedNight]:
    """Return a night for each loss; None is one that was not predicted."""
    return {
        night(number): TriedNight(
            interval=night(number), action=Action.KEEP, loss=loss, labelled=labelled if loss is not None else 0
        )
        for number, loss in enumerate(losses)
    }


def compared(**losses: Sequence[float | None]) -> Nightly:
    """Return policies by name side by side, without a retraining."""
    return side_by_side({name: nights(told) for name, told in losses.items()}, {name: [] for name in losses})  # type: ignore[misc]


def test_only_nights_that_all_predicted_count() -> None:
    """The second night is one policy's data fault, so no policy is judged by it."""
    found = compared(one=[1.0, None, 3.0], other=[2.0, 100.0, 4.0])

    assert (len(found.nights), found.mean("other")[0]) == (2, 3.0)


def test_a_gain_is_the_difference_of_the_means_and_paired() -> None:
    """Nights that are hard for both say nothing of the gain, which is much the same each night, and so is sure."""
    rng = np.random.default_rng(3)
    hard = rng.uniform(10, 90, 70)
    found = compared(one=(hard - rng.uniform(0.9, 1.1, 70)).tolist(), other=hard.tolist())
    gain = found.told(found.gain("one", "other"))

    assert gain.low is not None
    assert gain.high is not None
    assert 0.95 < gain.low < gain.value < gain.high < 1.05


def test_nights_of_a_week_are_drawn_together() -> None:
    """A policy that is better for one whole week out of ten is not surely better: that week may not come again."""
    better = [0.0] * 63 + [10.0] * 7
    found = compared(one=[20 - gain for gain in better], other=[20.0] * 70)
    gain = found.told(found.gain("one", "other"))

    assert found.block_count == 10
    assert gain.low is not None
    assert gain.low < 0 < gain.value


def test_the_worst_month_is_that_of_thirty_nights_on_end() -> None:
    """Thirty bad nights stand between thirty good ones."""
    assert compared(one=[1.0] * 30 + [5.0] * 30 + [1.0] * 30).worst("one") == 5.0


def test_a_retraining_counts_for_the_night_that_follows_it() -> None:
    """One at the end of the first night counts for the second; one after the last night for the last."""
    asked = [TriedRetraining(at=at, cause="scheduled") for at in (day(1), day(9))]
    found = side_by_side({"one": nights([1.0, 1.0, 1.0])}, {"one": asked})  # type: ignore[dict-item]

    assert found.retrained["one"].tolist() == [0.0, 1.0, 1.0]


def test_costs_weigh_errors_against_retrainings() -> None:
    """A unit of loss on ten rows costs ten; two retrainings in three nights cost two thirds of one a night."""
    asked = [TriedRetraining(at=at, cause="scheduled") for at in (day(0.5), day(1.5))]
    found = side_by_side({"one": nights([1.0] * 3), "other": nights([2.0] * 3)}, {"one": asked, "other": []})  # type: ignore[dict-item]

    assert found.cheaper("one", "other", loss=1.0, retraining=6.0)[0] == pytest.approx(10 - 4)
