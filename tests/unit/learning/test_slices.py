"""The gate over slices."""

from __future__ import annotations

import numpy as np

from perennial.core.receipts import Verdict
from perennial.learning.scored import Scored, score
from perennial.learning.slices import overlooked, sliced, slices_gate

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
    """Rows of one day have no interval, so that slice is not compared, and the sentence says which it is."""
    values: list[object] = [None if day == 0 else "some" for day in DAYS]
    errors = equal()
    errors[:50] = 9.0
    found = slices_gate(list(sliced(scored(errors), {"kind": values})), margin=0.5, minimum_rows=10)
    assert found.verdict is Verdict.PASS
    assert found.sentence == (
        "1 slice of at least 10 rows; asked for: none with a loss more than 50 % above the champion's; "
        "kind=missing could not be told, for want of days that differ: passed."
    )


def test_where_no_slice_can_be_told_nothing_was_compared() -> None:
    """Each day is a slice of its own, and has no interval; some of them are named."""
    found = slices_gate(list(sliced(scored(equal()), {"day": DAYS.tolist()})), margin=0.5, minimum_rows=10)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.sentence == (
        "0 slices of at least 10 rows; asked for: none with a loss more than 50 % above the champion's; "
        "day=0, day=1, day=10, day=11, day=12 and 15 more could not be told, for want of days that differ: "
        "inconclusive, as nothing was compared."
    )


def test_where_every_slice_is_too_small_nothing_was_compared() -> None:
    """The gate was asked for, and did not look at a single row."""
    found = slices_gate(list(sliced(scored(equal()), {"place": PLACES})), margin=0.1, minimum_rows=101)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.sentence == (
        "0 slices of at least 101 rows; asked for: none with a loss more than 10 % above the champion's: "
        "inconclusive, as nothing was compared."
    )


def test_without_any_slice_nothing_was_compared() -> None:
    """No column gave one."""
    assert slices_gate([], margin=0.1, minimum_rows=10).verdict is Verdict.INCONCLUSIVE


def test_a_slice_that_is_worse_is_told_beside_those_that_cannot_be() -> None:
    """Both are named."""
    values: list[object] = ["first" if day == 0 else "even" if day % 2 == 0 else "odd" for day in DAYS]
    errors = np.where(np.array(values) == "odd", 2.0, 0.9) * equal()
    found = slices_gate(list(sliced(scored(errors), {"kind": values})), margin=0.1, minimum_rows=10)
    assert found.verdict is Verdict.FAIL
    assert "; found worse: kind=odd (" in found.sentence
    assert found.sentence.endswith("; kind=first could not be told, for want of days that differ: failed.")


def test_large_slices_that_nobody_looks_at_are_counted() -> None:
    """Of 52 places with 19 rows, two lie beyond the 50 most frequent ones; so do twelve rows of another one, which is small."""
    places = [f"p{row // 19}" for row in range(988)] + ["rare"] * 12
    beyond = overlooked({"place": places, "day": DAYS.tolist()}, minimum_rows=19)
    found = slices_gate(list(sliced(scored(equal()), {"place": places})), margin=9.0, minimum_rows=10, beyond=beyond)
    assert beyond == 2
    assert found.sentence.endswith("; 2 more were not looked at, beyond the 50 most frequent values of a column: passed.")


def test_slices_on_which_both_are_always_right_are_no_worse() -> None:
    """They are alike on every day, and none of these days is worse."""
    perfect = score("accuracy", np.ones(1000), {"challenger": np.ones(1000), "champion": np.ones(1000)}, DAYS)
    assert slices_gate(list(sliced(perfect, {"place": PLACES})), margin=0.0, minimum_rows=10).verdict is Verdict.PASS


def test_the_margin_is_no_surer_than_the_champions_figure() -> None:
    """Of a champion with very bad days a tenth of its figure is hardly known; a bit more than that may still lie within."""
    uneven = np.where(DAYS % 10 == 0, 20.0, 1.0) * (1 + np.arange(1000) % 3 / 10)
    worse = uneven + 0.35 * (1 + DAYS % 2 / 50)
    both = score("mae", np.zeros(1000), {"challenger": worse, "champion": uneven}, DAYS)
    assert both.losses("challenger")[0] > 1.1 * both.losses("champion")[0]
    assert slices_gate(list(sliced(both, {"kind": ["one"] * 1000})), margin=0.1, minimum_rows=10).verdict is Verdict.PASS


def test_equal_challengers_fail_by_chance_at_most_5_of_100_times() -> None:
    """All slices equal: of 200 comparisons over ten slices, 5 % (and what chance adds) name any."""
    named = 0
    for seed in range(200):
        parts = list(sliced(scored(equal(seed=1000 + seed), seed=seed), {"place": PLACES}))
        named += slices_gate(parts, margin=0.0, minimum_rows=50).verdict is Verdict.FAIL
    assert named <= 17
