"""The gate over slices."""

from __future__ import annotations

import numpy as np

from perennial.core.receipts import Verdict
from perennial.learning.scored import Scored, score
from perennial.learning.slices import sliced, slices_gate

DAYS = np.repeat(np.arange(20), 50)
PLACES = [f"p{row % 10}" for row in range(1000)]


def scored(challenger: np.ndarray[tuple[int], np.dtype[np.float64]], seed: int = 2) -> Scored:
    """Score a challenger beside a champion with errors around 1."""
    champion = 1 + np.random.default_rng(seed).normal(0, 0.2, 1000)
    return score("mae", np.zeros(1000), {"challenger": challenger, "champion": champion}, DAYS, unit="bikes")


def equal(seed: int = 3) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Errors as large as the champion's."""
    return 1 + np.random.default_rng(seed).normal(0, 0.2, 1000)


def test_a_slice_on_which_the_challenger_is_much_worse_fails_and_is_named() -> None:
    """Better on the whole, but one place of ten has half as much error again."""
    errors = equal() * 0.9
    errors[np.array(PLACES) == "p4"] = 1.5
    found = slices_gate(list(sliced(scored(errors), {"place": PLACES})), margin=0.1, minimum_rows=50)
    assert found.verdict is Verdict.FAIL
    assert found.sentence.startswith(
        "10 slices of at least 50 rows; asked for: none with a loss more than 10 % above the champion's; "
        "found worse: place=p4 (1.5 bikes beside "
    )
    assert "p5" not in found.sentence


def test_slices_that_are_no_worse_pass() -> None:
    """Nor does chance name one of them."""
    found = slices_gate(list(sliced(scored(equal()), {"place": PLACES})), margin=0.0, minimum_rows=50)
    assert found.verdict is Verdict.PASS


def test_small_slices_do_not_count() -> None:
    """However bad they are."""
    errors = equal()
    errors[:10] = 50.0
    values = ["rare"] * 10 + ["common"] * 990
    parts = list(sliced(scored(errors), {"kind": values}))
    assert slices_gate(parts, margin=1.0, minimum_rows=11).verdict is Verdict.PASS
    assert [part.name for part in parts] == ["kind=common", "kind=rare"]


def test_without_a_champion_there_is_nothing_to_be_worse_than() -> None:
    """As for the first model."""
    alone = score("mae", np.zeros(1000), {"challenger": equal()}, DAYS)
    found = slices_gate(list(sliced(alone, {"place": PLACES})), margin=0.1, minimum_rows=50)
    assert (found.verdict, found.sentence) == (Verdict.PASS, "There is no champion to be compared with on any slice: passed.")


def test_a_missing_value_is_a_slice_and_one_day_cannot_be_told() -> None:
    """Rows of one day have no interval, so that slice is not compared."""
    values: list[object] = [None if day == 0 else "some" for day in DAYS]
    errors = equal()
    errors[:50] = 9.0
    found = slices_gate(list(sliced(scored(errors), {"kind": values})), margin=0.5, minimum_rows=10)
    assert found.sentence.startswith("1 slices of at least 10 rows")
    assert found.verdict is Verdict.PASS


def test_equal_challengers_fail_by_chance_at_most_5_of_100_times() -> None:
    """All slices equal: of 200 comparisons over ten slices, 5 % (and what chance adds) name any."""
    named = 0
    for seed in range(200):
        parts = list(sliced(scored(equal(seed=1000 + seed), seed=seed), {"place": PLACES}))
        named += slices_gate(parts, margin=0.0, minimum_rows=50).verdict is Verdict.FAIL
    assert named <= 17
