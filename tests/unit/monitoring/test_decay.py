"""Decay: found within days when it is there, within the budget when it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from scipy import stats

from perennial.core.interval import Interval
from perennial.core.receipts import NightLoss, Role, Signal, SignalState
from perennial.monitoring.loss.decay import Evaluated, decay
from perennial.monitoring.loss.evidence import Nights, change_point, evidence_by_night
from perennial.monitoring.loss.variation import Variation
from perennial.monitoring.psi import Floats

ALARM, QUIET, INSUFFICIENT = SignalState.ALARM, SignalState.QUIET, SignalState.INSUFFICIENT
START = datetime(2024, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365


def night(number: int, loss: float | None, *, labelled: int = 100, predicted: int = 100, version: str = "v1") -> NightLoss:
    """Return the night that many days after the first."""
    interval = Interval(START + number * DAY, START + (number + 1) * DAY)
    return NightLoss(interval=interval, role=Role.CHAMPION, version=version, predicted=predicted, labelled=labelled, loss=loss)


def judged(losses: Sequence[float | None] | Sequence[NightLoss], *, evaluated: float = 1.0, tolerance: float = 0.0) -> Signal:
    """Return what is said about nights of these losses, with a budget of one false alarm a year."""
    nights = [loss if isinstance(loss, NightLoss) else night(number, loss) for number, loss in enumerate(losses)]
    known = Evaluated(loss=evaluated)
    return decay(nights, evaluated=known, tolerance=tolerance, alpha=1 / YEAR, minimum_labels=20)


def by_night(ratios: Floats) -> Floats:
    """Return the evidence after each night of these mean losses over the tolerated loss, where nothing is known of their rows."""
    rows = np.full(ratios.shape, 100.0)
    return evidence_by_night(Nights(rows=rows, means=ratios, squares=np.full(ratios.shape, math.nan)), threshold=YEAR)


def first_alarms(ratios: Floats, after: int = 0) -> Floats:
    """Return for each row of ratios how many nights after *after* the alarm came; infinite where it did not."""
    alarms = by_night(ratios)[:, after:] >= YEAR
    return np.where(alarms.any(axis=1), alarms.argmax(axis=1) + 1, math.inf)


def noise(seed: int, shape: tuple[int, int], spread: float, hang: float = 0.0) -> Floats:
    """Return positive ratios of mean 1 whose logarithm has this spread and this correlation from night to night."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=shape)
    for position in range(1, shape[1]):
        level[:, position] = hang * level[:, position - 1] + math.sqrt(1 - hang**2) * level[:, position]
    return np.exp(spread * level - spread**2 / 2)


def test_evidence_by_hand() -> None:
    """After ratios 2 and 0.5: each bet b has ((1 + b) + 1) * (1 - b / 2), from stakes of 1 a night."""
    expected = np.mean([(2 + b) * (1 - b / 2) for b in (0.2, 0.5, 0.95)])
    assert by_night(np.array([2.0, 0.5]))[-1] == pytest.approx(expected)


def test_evidence_grows_by_one_a_night_at_most_in_the_mean() -> None:
    """At a mean of exactly 1 the mean evidence after 50 nights is at most 50: the promise on which the budget rests."""
    found = by_night(noise(1, (4000, 50), 0.3))[:, -1]
    assert found.mean() < 50 + 3 * found.std() / math.sqrt(4000)


@pytest.mark.parametrize("spread", [0.3, 0.8])
def test_false_alarms_keep_to_the_budget_at_the_very_edge_of_the_tolerance(spread: float) -> None:
    """A loss of exactly what is tolerated: within 100 nights at most 100 of 365 champions are suspected."""
    alarms = int(np.isfinite(first_alarms(noise(2, (2000, 100), spread))).sum())
    assert alarms <= stats.binom.ppf(0.999, 2000, 100 / YEAR)


def test_false_alarms_keep_to_the_budget_where_nights_hang_together() -> None:
    """A loss as evaluated with 25 % tolerated, spread 0.4, each night correlated 0.5 with the one before."""
    alarms = int(np.isfinite(first_alarms(0.8 * noise(3, (2000, 100), 0.4, hang=0.5))).sum())
    assert alarms <= stats.binom.ppf(0.999, 2000, 100 / YEAR)


def test_a_jump_is_found_within_a_week() -> None:
    """From 0.9 to 2.5 after 60 nights: 3 to 7 nights in nine of ten cases."""
    ratios = noise(4, (300, 80), 0.3)
    ratios[:, :60] *= 0.9
    ratios[:, 60:] *= 2.5
    delays = first_alarms(ratios, after=60)
    assert np.mean((delays >= 3) & (delays <= 7)) >= 0.9


def test_a_loss_a_fifth_above_the_tolerance_is_found_within_two_months() -> None:
    """From 0.9 to 1.2."""
    ratios = noise(5, (200, 120), 0.3)
    ratios[:, :60] *= 0.9
    ratios[:, 60:] *= 1.2
    assert np.median(first_alarms(ratios, after=60)) <= 35


def test_no_single_night_raises_an_alarm_by_itself() -> None:
    """However bad it is, after however quiet a time."""
    for bad in (8.0, 1e300, math.inf):
        assert judged([0.9] * 60 + [bad]).state is QUIET
        assert judged([bad]).state is QUIET


def test_good_nights_take_the_evidence_back() -> None:
    """The alarm of a shock that has passed does not stand for ever."""
    assert judged([0.9] * 30 + [3.0] * 100).state is ALARM
    assert judged([0.9] * 30 + [3.0] * 100 + [0.8] * 60).state is QUIET


def test_the_order_in_which_nights_are_handed_over_does_not_matter() -> None:
    """A rerun in another order gives the same signal."""
    nights = [night(number, loss) for number, loss in enumerate(noise(6, (1, 40), 0.5)[0])]
    shuffled = nights.copy()
    Random(1).shuffle(shuffled)  # noqa: S311 - a shuffle, not a secret
    assert judged(shuffled) == judged(nights)


def test_an_alarm_says_since_when_and_how_much() -> None:
    """The figures are those of the nights from the change on."""
    signal = judged([50.0] * 25 + [152.0] * 7, evaluated=52.0, tolerance=0.25)
    assert signal.state is ALARM
    assert signal.value is not None
    assert signal == Signal(
        name="decay",
        kind="decay",
        state=ALARM,
        value=signal.value,
        threshold=365.0,
        n=32,
        unit="nights",
        since=datetime(2024, 12, 26, tzinfo=UTC),
        sentence="mean loss 152 over 7 nights since 2024-12-26, 2.92 times the evaluated 52 with 25 % tolerated;"
        f" evidence {signal.value:.0f} of 365 needed",
    )


def test_a_quiet_signal_says_what_would_have_raised_an_alarm() -> None:
    """The evidence beside what is needed, and the loss of the last week."""
    signal = decay(
        [night(0, 90.0), *(night(number, 50.0) for number in range(1, 8))],
        evaluated=Evaluated(loss=50.0),
        tolerance=0.05,
        alpha=1 / 365,
        minimum_labels=20,
        loss_name="mean absolute error",
    )
    sentence = "mean absolute error 50 over the last 7 nights, 1 times the evaluated 50 with 5 % tolerated"
    assert signal.value is not None
    expected = (QUIET, 8, f"{sentence}; evidence {signal.value:.3g} of 365 needed")
    assert (signal.state, signal.n, signal.sentence) == expected


@pytest.mark.parametrize(
    "useless",
    [
        night(0, 9.0, labelled=19, predicted=20),
        night(0, 9.0, labelled=49, predicted=100),
        night(0, None),
        night(0, math.nan),
    ],
)
def test_nights_with_too_few_labels_do_not_count(useless: NightLoss) -> None:
    """Fewer than the minimum, or fewer than half of the predictions, or no loss."""
    signal = judged([useless])
    sentence = "none of 1 night counts yet: 20 labels are needed, and labels for half of its predictions"
    assert (signal.state, signal.value, signal.n, signal.sentence) == (INSUFFICIENT, None, 0, sentence)
    assert judged([useless, night(1, 1.0)]).n == 1


def test_no_nights_are_no_evidence() -> None:
    """A fresh champion is neither well nor ill."""
    signal = judged([])
    assert (signal.state, signal.sentence) == (INSUFFICIENT, "no night was predicted yet, or none is matured")


@pytest.mark.parametrize("evaluated", [math.nan, math.inf])
def test_an_evaluated_loss_that_is_no_number_is_no_quiet(evaluated: float) -> None:
    """Nothing can be compared with it."""
    signal = judged([9.0] * 9, evaluated=evaluated)
    assert (signal.state, signal.sentence) == (INSUFFICIENT, "the evaluated loss is not a finite number")


def test_a_perfect_champion_is_judged_too() -> None:
    """Where no loss was evaluated, none is normal and any is too much."""
    assert judged([0.0] * 30, evaluated=0.0).state is QUIET
    assert judged([0.0] * 30 + [0.1] * 9, evaluated=0.0).state is ALARM


def test_nights_of_two_versions_are_refused() -> None:
    """The evaluated loss belongs to one of them."""
    message = "the evaluated loss belongs to one version, but the nights are of several versions or roles"
    with pytest.raises(ValueError, match=f"^{message}$"):
        judged([night(0, 1.0), night(1, 1.0, version="v2")])


def test_the_change_point_is_the_start_of_the_last_excess() -> None:
    """By hand: the excess is .5 and back to 0 at the third night, then grows from the fourth."""
    assert change_point([1.5, 0.8, 0.5, 2.0, 0.9, 3.0]) == 3
    assert change_point([1.5, 0.4]) is None
    assert change_point([]) is None


def test_a_holdout_of_few_days_leaves_room_for_what_it_cannot_know() -> None:
    """An evaluated loss of 1 that may be 1.5 in truth: 1.4 is no decay, and the sentence says why."""
    nights = [night(number, 1.4) for number in range(60)]
    known = Evaluated(loss=1.0, most=1.5)
    signal = decay(nights, evaluated=known, tolerance=0.05, alpha=1 / YEAR, minimum_labels=20)
    sentence = "mean loss 1.4 over the last 7 nights, 1.4 times the evaluated 1 with 50 % tolerated"
    assert signal.state is QUIET
    assert signal.sentence.split("; ")[0] == f"{sentence}, as the evaluated one is not known any better"
    sure = decay(nights, evaluated=Evaluated(loss=1.0, most=1.04), tolerance=0.05, alpha=1 / YEAR, minimum_labels=20)
    assert sure.state is ALARM


def test_the_sentence_says_how_many_predictions_have_a_label() -> None:
    """Of the seven newest matured nights, and none that is not matured: 6 of 100 and one of 93."""
    nights = [night(number, 1.0) for number in range(9)]
    nights += [night(9, 1.0, labelled=93), night(10, 1.0, labelled=10)]
    matured = START + 10 * DAY
    signal = decay(nights, evaluated=Evaluated(loss=1.0), tolerance=0.0, alpha=1 / YEAR, minimum_labels=20, matured=matured)
    assert signal.labelled == pytest.approx(0.99)
    assert signal.sentence.split("; ")[2] == "labels for 99 % of the predictions of 7 nights"


def test_a_night_without_any_label_is_missed() -> None:
    """It counts for nothing, but it is seen that its labels did not come."""
    nights = [night(0, 1.0), night(1, None, labelled=0)]
    matured = START + 2 * DAY
    signal = decay(nights, evaluated=Evaluated(loss=1.0), tolerance=0.0, alpha=1 / YEAR, minimum_labels=20, matured=matured)
    assert (signal.n, signal.labelled) == (1, 0.5)


def test_an_alarm_says_how_much_a_window_from_the_change_on_would_hold() -> None:
    """Seven bad nights, of which the last has matured a day ago."""
    nights = [night(number, 0.9) for number in range(25)] + [night(number, 3.0) for number in range(25, 32)]
    matured = START + 33 * DAY
    signal = decay(nights, evaluated=Evaluated(loss=1.0), tolerance=0.0, alpha=1 / YEAR, minimum_labels=20, matured=matured)
    assert signal.since == START + 25 * DAY
    assert signal.sentence.split("; ")[-1] == "a training window from the change on holds 8 days of labels"


def test_a_model_of_one_row_a_day_is_judged_too() -> None:
    """However many labels are asked for: a night with all that it can have is known."""
    assert judged([night(number, 1.0, labelled=1, predicted=1) for number in range(9)]).n == 9
    assert judged([night(number, 4.0, labelled=1, predicted=1) for number in range(9)]).state is ALARM


def test_a_single_night_is_enough_where_nights_are_long() -> None:
    """Of 27 days each: what lasts so long is no weather. Rows tell it, which are known to vary little from night to night."""
    length = 27 * DAY
    known = Evaluated(loss=0.12, variation=Variation(nights=14, spread=2.7, alike=0.0))

    def judged_after(span: timedelta) -> SignalState:
        figures = [(0.12, 0.05)] * 9 + [(0.15, 0.07)]
        intervals = [Interval(START + number * span, START + (number + 1) * span) for number in range(10)]
        nights = [
            NightLoss(interval=at, role=Role.CHAMPION, version="v", predicted=5000, labelled=5000, loss=mean, square=square)
            for at, (mean, square) in zip(intervals, figures, strict=True)
        ]
        return decay(nights, evaluated=known, tolerance=0.05, alpha=1 / 27, minimum_labels=20).state

    assert (judged_after(length), judged_after(DAY)) == (ALARM, QUIET)
