"""Gates and verdicts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from perennial.core.errors import DataError
from perennial.core.receipts import Verdict
from perennial.learning.judgement import Judgement, Rules, judge

DAYS = np.repeat(np.arange(10), 24)
Array = np.ndarray[tuple[int], np.dtype[np.float64]]
WAVE = np.tile([-1.0, 1.0], 120) * (1 + np.arange(240) % 5 / 10)


def _off_by(error: float) -> Array:
    """Predictions of labels that are all 0, with a mean absolute error near *error* that differs a little from day to day."""
    return error * WAVE * (1 + DAYS % 3 / 50)


def _compare(challenger: Array, incumbent: Array | None = None, trivial: Array | None = None, **changed: Any) -> Judgement:
    predictions = {"challenger": challenger, "baseline": _off_by(5) if trivial is None else trivial}
    if incumbent is not None:
        predictions["champion"] = incumbent
    given: dict[str, Any] = {"actual": np.zeros(240), "blocks": DAYS}
    given |= {name: changed.pop(name) for name in ("actual", "blocks", "slices_of") if name in changed}
    rules = Rules(**{"metric": "mae", "report": ("rmse",), **changed})
    return judge(rules, predictions=predictions, slices=given.pop("slices_of", None), **given)


def _verdicts(found: Judgement) -> dict[str, Verdict]:
    return {gate.gate: gate.verdict for gate in found.gates}


def test_a_better_challenger_passes_every_gate() -> None:
    """Half the champion's error, a fifth of the baseline's."""
    found = _compare(_off_by(1), _off_by(2), baseline=0.1)
    assert (found.verdict, _verdicts(found)) == (Verdict.PASS, {"baseline": Verdict.PASS, "champion": Verdict.PASS})


def test_sentences_tell_figures_units_and_days() -> None:
    """Every number that decided can be read."""
    found = _compare(_off_by(1), _off_by(2), baseline=0.1, unit="bikes", floor=(1.2, 0.4))
    baseline = (
        "The challenger's mae is 1.222 bikes, the baseline's 6.108 bikes; asked for: a loss at least 10 % below the baseline's; "
        "found beyond that: 4.276 bikes (96 % bounds 4.23 and 4.322) over 10 days: passed."
    )
    champion = (
        "The challenger's mae is 1.222 bikes, the champion's 2.443 bikes; asked for: a gain of more than 0; "
        "found: 1.222 bikes (96 % bounds 1.208 and 1.235) over 10 days: passed."
    )
    floor = "48.33 % (95 % interval 40.8 % to 55.87 %) of 240 rows are within 1.2 bikes; asked for: at least 40 %: passed."
    assert [gate.sentence for gate in found.gates] == [baseline, champion, floor]
    assert found.sentence == (
        "The challenger passes every gate (baseline, champion, floor), with mae challenger 1.222 bikes, baseline 6.108 bikes, "
        "champion 2.443 bikes on 240 rows of 10 days."
    )


def test_a_worse_challenger_fails() -> None:
    """And the sentence names the gate."""
    found = _compare(_off_by(2), _off_by(1))
    assert (found.verdict, _verdicts(found)["champion"]) == (Verdict.FAIL, Verdict.FAIL)
    assert found.sentence.startswith("The challenger fails at champion, with mae challenger ")


def test_a_champion_that_is_surely_worse_is_not_kept_for_a_baseline_that_may_be_as_good() -> None:
    """Whether the baseline is beaten cannot be told; that the champion is, can. Where the challenger surely loses, it fails."""
    like_the_baseline = _off_by(5) * (1 + (DAYS % 2 * 2 - 1) / 10)
    beside = _compare(like_the_baseline, _off_by(10))

    assert _verdicts(_compare(like_the_baseline))["baseline"] is Verdict.INCONCLUSIVE
    assert _verdicts(_compare(like_the_baseline, _off_by(5)))["baseline"] is Verdict.INCONCLUSIVE
    assert beside.verdict is Verdict.PASS
    assert beside.gates[0].sentence.endswith(
        "over 10 days: inconclusive. But the champion surely loses more than the challenger: passed."
    )
    assert _verdicts(_compare(_off_by(6), _off_by(10)))["baseline"] is Verdict.FAIL


def test_an_equal_challenger_is_inconclusive_under_superior_and_passes_under_non_inferior() -> None:
    """No gain is no proof of one, but it is within a margin."""
    same = _off_by(1)
    assert _compare(same, same).verdict is Verdict.INCONCLUSIVE
    assert _compare(same, same, champion="non_inferior", margin=0.02).verdict is Verdict.PASS


def test_a_loss_beyond_the_margin_fails_under_non_inferior() -> None:
    """Five per cent worse is more than two."""
    found = _compare(_off_by(1.05) * (1 + DAYS % 2 / 100), _off_by(1), champion="non_inferior", margin=0.02)
    assert _verdicts(found)["champion"] is Verdict.FAIL


def test_one_good_day_of_ten_is_inconclusive() -> None:
    """Rows of one day count as one: a gain on a single day has an interval that reaches below 0."""
    lucky = np.where(DAYS == 4, 0.0, _off_by(1))
    found = _compare(lucky, _off_by(1))
    assert (found.verdict, _verdicts(found)["champion"]) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)


def test_a_single_day_is_inconclusive() -> None:
    """It has no interval, and the sentence says so."""
    found = _compare(_off_by(1), _off_by(2), blocks=np.zeros(240))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.gates[1].sentence.endswith(" over 1 day: inconclusive, as one day gives no interval.")


@pytest.mark.parametrize("days", [2, 3, 7])
def test_a_gain_that_is_the_same_on_each_of_a_few_days_is_inconclusive(days: int) -> None:
    """Identical rows each day have no spread, which is no proof, neither beside the champion nor beside the baseline."""
    found = _constant(days)
    assert (found.verdict, _verdicts(found)) == (
        Verdict.INCONCLUSIVE,
        {"baseline": Verdict.INCONCLUSIVE, "champion": Verdict.INCONCLUSIVE},
    )
    assert found.gates[1].sentence == (
        f"The challenger's mae is 1.2, the champion's 2.4; asked for: a gain of more than 0; found: 1.2 over {days} days: "
        f"inconclusive, as {days} days that are all alike give no interval (31 would)."
    )


@pytest.mark.parametrize(("days", "verdict"), [(30, Verdict.INCONCLUSIVE), (31, Verdict.PASS)])
def test_a_gain_that_is_the_same_on_each_of_many_days_is_believed(days: int, verdict: Verdict) -> None:
    """From 31 days on: a day of another kind is then at most one of ten, with 96 % certainty."""
    assert _constant(days).verdict is verdict


def _constant(days: int) -> Judgement:
    """Return what comes of *days* days with the same rows, on which the challenger has half the champion's errors."""
    rows = 10 * days
    errors = np.tile(WAVE[:10], days)
    predictions = {"challenger": errors, "champion": 2 * errors, "baseline": 5 * errors}
    return judge(Rules(metric="mae"), actual=np.zeros(rows), predictions=predictions, blocks=np.repeat(np.arange(days), 10))


def test_a_gain_that_is_the_same_whatever_the_day_is_like_is_inconclusive_too() -> None:
    """Seven days of very different errors, and each time exactly as much less, but for rounding, of thousands."""
    days = np.repeat(np.arange(7), 30)
    errors = 1000 * (1 + days * math.pi) * (1 + np.arange(210) % 7 / 9)
    predictions = {"challenger": errors - 1e-3, "champion": errors, "baseline": 3 * errors}
    found = judge(Rules(metric="mae"), actual=np.zeros(210), predictions=predictions, blocks=days)
    assert found.gates[1].sentence.endswith("inconclusive, as 7 days that are all alike give no interval (31 would).")


def test_the_margin_is_no_surer_than_the_champions_figure() -> None:
    """A champion with one very bad day of ten has a margin that is hardly known: what lies within it may not do so surely."""
    uneven = np.where(DAYS == 4, 60.0, 1.0) * np.abs(WAVE)
    worse = uneven + 0.6 * (1 + DAYS % 3 / 50)
    found = _compare(worse, uneven, _off_by(500), champion="non_inferior", margin=0.1)
    assert _verdicts(found)["champion"] is Verdict.INCONCLUSIVE
    assert found.gates[1].sentence == (
        "The challenger's mae is 8.94, the champion's 8.329; asked for: a loss at most 10 % of the champion's figure above the "
        "champion's; found: 0.9758 times as much as that (96 % bounds 0.6854 and 1.389) over 10 days: inconclusive."
    )


def test_what_is_bad_on_the_same_days_is_hardly_worse_all_the_same() -> None:
    """Days that are three times as bad for both make both figures unsure, and not how the two compare: three days suffice."""
    uneven = _off_by(1) * np.where(DAYS % 3 == 1, 3.0, 1.0)
    near = uneven * (1.02 + DAYS % 2 / 50)
    few = {"actual": np.zeros(72), "blocks": DAYS[:72], "champion": "non_inferior", "margin": 0.5}
    found = _compare(near[:72], uneven[:72], _off_by(500)[:72], **few)
    assert _verdicts(found)["champion"] is Verdict.PASS


def test_predictions_that_are_the_same_on_every_row_are_within_any_margin_and_no_better() -> None:
    """Also on two days, as no other row could tell them apart; without a margin nothing is proven."""
    same, days = np.tile(WAVE[:10], 2), np.repeat(np.arange(2), 10)
    given: dict[str, Any] = {"actual": np.zeros(20), "blocks": days, "trivial": _off_by(50)[:20]}
    found = _compare(same, same, champion="non_inferior", margin=0.02, **given)
    assert found.gates[1].sentence == (
        "The challenger's mae is 1.2, the champion's 1.2; asked for: a loss at most 2 % of the champion's figure above the "
        "champion's; found: the same on every row: passed."
    )
    assert _verdicts(_compare(same, same, champion="non_inferior", margin=0.0, **given))["champion"] is Verdict.INCONCLUSIVE


def test_where_a_day_has_no_loss_at_all_the_difference_is_judged() -> None:
    """A champion that is right on some days has no logarithm there."""
    incumbent = np.where(DAYS < 8, 0.0, _off_by(1))
    found = _compare(incumbent + 0.001 * np.abs(WAVE), incumbent, _off_by(50), champion="non_inferior", margin=0.5)
    assert "; found below that: 0.1221 (96 % bounds " in found.gates[1].sentence


def test_without_a_champion_its_gate_passes_and_says_so() -> None:
    """The first model has only the baseline to beat."""
    found = _compare(_off_by(1))
    assert (found.verdict, _verdicts(found)["champion"]) == (Verdict.PASS, Verdict.PASS)
    assert found.gates[1].sentence == "No champion takes part, so there is none to be compared with: passed."


def test_the_baseline_must_be_beaten_by_its_share() -> None:
    """Twenty per cent less loss pass a demand of ten and fail one of thirty."""
    assert _verdicts(_compare(_off_by(4), baseline=0.1))["baseline"] is Verdict.PASS
    assert _verdicts(_compare(_off_by(4), baseline=0.3))["baseline"] is Verdict.FAIL


def test_a_figure_of_which_more_is_better_is_compared_by_what_is_missing_to_one() -> None:
    """An accuracy of 0.9 leaves a fifth of the errors of 0.5, and beats a champion of 0.8."""
    right = np.tile([1.0] * 9 + [0.0], 24)
    found = _compare(
        right,
        np.tile([1.0] * 8 + [0.0] * 2, 24),
        np.tile([1.0, 0.0], 120),
        metric="accuracy",
        actual=np.ones(240),
        baseline=0.7,
    )
    assert found.verdict is Verdict.PASS
    assert found.metrics["challenger"]["accuracy"].value == pytest.approx(0.9)
    assert "found: 0.1 (" in found.gates[1].sentence


@pytest.mark.parametrize(("share", "verdict"), [(0.9, Verdict.PASS), (0.91, Verdict.FAIL)])
def test_the_floor_is_a_demand_on_the_rows_as_they_are(share: float, verdict: Verdict) -> None:
    """Nine rows of ten are within, so that nine tenths are met and more are not."""
    errors = np.tile([0.5] * 9 + [3.0], 24)
    found = _compare(errors, trivial=_off_by(50), floor=(0.5, share))
    assert _verdicts(found)["floor"] is verdict


CHANCES = np.random.default_rng(9).beta(2, 2, 4800)
CLASSES = (np.random.default_rng(10).random(4800) < CHANCES).astype(np.float64)


@pytest.mark.parametrize(
    ("told", "calibration", "verdict"),
    [
        (CHANCES, (0.05, 1.5), Verdict.PASS),
        (CHANCES**2 / (CHANCES**2 + (1 - CHANCES) ** 2), (0.5, 1.5), Verdict.FAIL),  # twice too extreme: a slope of one half
        (np.sqrt(CHANCES) / (np.sqrt(CHANCES) + np.sqrt(1 - CHANCES)), (0.5, 1.5), Verdict.FAIL),  # too timid: a slope of two
        (0.9 * CHANCES, (0.03, 3.0), Verdict.FAIL),  # too low by a tenth, which is an error of five points
        (np.full(4800, 0.5), (0.5, 3.0), Verdict.ERROR),  # a constant has no slope
    ],
    ids=["right", "extreme", "timid", "low", "constant"],
)
def test_probabilities_must_be_frequencies(told: Array, calibration: tuple[float, float], verdict: Verdict) -> None:
    """Each of the two demands fails by itself."""
    trivial, days = np.full(4800, 0.5), np.repeat(np.arange(20), 240)
    given: dict[str, Any] = {"metric": "log_loss", "report": (), "actual": CLASSES, "blocks": days}
    found = _compare(told, trivial=trivial, calibration=calibration, **given)
    assert _verdicts(found)["calibration"] is verdict


def test_a_slice_that_is_worse_keeps_the_challenger_out() -> None:
    """Better on the whole, and five times as bad in one of three places."""
    places = np.arange(240) // 8 % 3
    errors = np.where(places == 1, _off_by(10), _off_by(0.1)) * (1 + np.arange(240) % 7 / 50)
    incumbent = np.where(places == 1, _off_by(2), _off_by(12))
    asked: dict[str, Any] = {"slices_of": {"place": places.tolist()}, "trivial": _off_by(50)}
    assert _compare(errors, incumbent, **asked).verdict is Verdict.PASS
    found = _compare(errors, incumbent, slices=(0.1, 50), **asked)
    assert (found.verdict, _verdicts(found)["champion"], _verdicts(found)["slices"]) == (
        Verdict.FAIL,
        Verdict.PASS,
        Verdict.FAIL,
    )


def test_slices_that_nobody_looks_at_are_told() -> None:
    """Sixty places of four rows each, of which fifty are looked at."""
    places = (np.arange(240) % 60).tolist()
    found = _compare(_off_by(1), _off_by(1.01), slices_of={"place": places}, slices=(0.5, 4))
    [gate] = [gate for gate in found.gates if gate.gate == "slices"]
    assert "; 10 more were not looked at, beyond the 50 most frequent values of a column: " in gate.sentence


def test_an_undefined_figure_is_an_error_and_not_a_pass() -> None:
    """One class has no area under the curve; the figure is left out of the metrics."""
    found = _compare(_off_by(1), metric="roc_auc")
    assert (found.verdict, list(found.metrics["challenger"])) == (Verdict.ERROR, ["rmse"])
    assert found.sentence == (
        "Whether the challenger passes cannot be told at baseline, with roc_auc challenger undefined, "
        "baseline undefined on 240 rows of 10 days."
    )


def test_every_role_has_every_reported_figure_with_its_interval() -> None:
    """The deciding one first, each once."""
    found = _compare(_off_by(1), _off_by(2), report=("rmse", "mae", "bias"))
    assert {role: list(figures) for role, figures in found.metrics.items()} == {
        role: ["mae", "rmse", "bias"] for role in ("challenger", "baseline", "champion")
    }
    assert all(figure.low is not None for figures in found.metrics.values() for figure in figures.values())


def test_slices_have_the_deciding_figure_of_their_own_rows() -> None:
    """A missing value is a slice too."""
    wet = [1, None] * 120
    errors = np.where(np.arange(240) % 2 == 0, 2.0, 4.0)
    found = _compare(errors, slices_of={"wet": wet})
    sliced = {name: figures["mae"].value for name, figures in found.metrics.items() if name.startswith("challenger[")}
    assert sliced == {"challenger[wet=1]": 2.0, "challenger[wet=missing]": 4.0}


def test_no_rows_are_refused() -> None:
    """Nothing was compared, so nothing passes."""
    with pytest.raises(DataError) as caught:
        _compare(np.array([]), trivial=np.array([]), actual=[], blocks=[])
    assert str(caught.value) == "holdout: must have rows to be compared on, got none [DATA_EMPTY]"
