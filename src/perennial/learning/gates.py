"""The rules that a challenger must pass, each with the sentence that a person reads."""

from __future__ import annotations

from typing import Literal

import numpy as np

from perennial.core.receipts import Estimate, GateResult, Verdict
from perennial.learning.bootstrap import CERTAINTY, bounds, estimate, resampled
from perennial.learning.metrics import Floats
from perennial.learning.scored import Scored
from perennial.learning.words import days, number, percent, span


def baseline_gate(scored: Scored, *, share: float) -> GateResult:
    """Ask whether the challenger beats the baseline by at least *share* of the baseline's loss.

    The loss is the figure itself, or ``1 - figure`` where more is better. Passes where ``(1 - share) * baseline - challenger`` lies
    above 0 with ``CERTAINTY``, fails where it lies below, and is inconclusive in between.
    """
    gain = bounds((1 - share) * scored.losses("baseline") - scored.losses("challenger"), scored.day_count)
    verdict = _above(gain, 0.0)
    asked = f"a loss at least {percent(share)} below the baseline's" if share else "a loss below the baseline's"
    told = f"asked for: {asked}; found beyond that: {_told(gain, scored)}"
    sentence = f"{_beside(scored, 'baseline')}; {told}: {_outcome(verdict, scored)}."
    return GateResult(gate="baseline", verdict=verdict, sentence=sentence)


def champion_gate(scored: Scored, *, rule: Literal["superior", "non_inferior"], margin: float) -> GateResult:
    """Compare the challenger with the champion on the same rows, by the gain: the champion's loss minus the challenger's.

    ``superior`` passes where the gain lies above 0 with ``CERTAINTY``; ``non_inferior`` where it lies above minus *margin* times
    the size of the champion's figure. It fails where it lies below that line with as much certainty, and is inconclusive in
    between. Without a champion the gate passes.
    """
    if "champion" not in scored.figures:
        sentence = "No champion takes part, so there is none to be compared with: passed."
        return GateResult(gate="champion", verdict=Verdict.PASS, sentence=sentence)
    gain = bounds(scored.losses("champion") - scored.losses("challenger"), scored.day_count)
    line = -margin * abs(float(scored.figures["champion"][0])) if rule == "non_inferior" else 0.0
    verdict = _above(gain, line)
    asked = "more than 0" if rule == "superior" else f"more than {number(line)} ({percent(margin)} of the champion's figure)"
    told = f"asked for: a gain of {asked}; found: {_told(gain, scored)}"
    sentence = f"{_beside(scored, 'champion')}; {told}: {_outcome(verdict, scored)}."
    return GateResult(gate="champion", verdict=verdict, sentence=sentence)


def floor_gate(scored: Scored, *, within: float, share: float) -> GateResult:
    """Ask whether at least *share* of the rows have an error of at most *within*, in the label's unit.

    It is a demand on these rows as they are, so that the interval is told but does not decide.
    """
    right = (np.abs(scored.predictions["challenger"] - scored.actual) <= within).astype(np.float64)
    found = estimate(resampled("bias", np.zeros_like(right), right, scored.days), scored.day_count)
    verdict = Verdict.PASS if found.value >= share else Verdict.FAIL
    told = f"{percent(found.value)}{span(found, percent)} of {scored.actual.size} rows are within {number(within)}{scored.unit}"
    sentence = f"{told}; asked for: at least {percent(share)}: {_outcome(verdict, scored)}."
    return GateResult(gate="floor", verdict=verdict, sentence=sentence)


def calibration_gate(scored: Scored, *, error: float, slope: float) -> GateResult:
    """Ask whether the challenger's probabilities are frequencies.

    A demand on these rows as they are, like the floor: the calibration error is at most *error*, and the calibration slope lies
    between ``1 / slope`` and *slope*.
    """
    predicted = scored.predictions["challenger"]
    errors, slopes = (
        estimate(resampled(name, scored.actual, predicted, scored.days), scored.day_count)
        for name in ("calibration_error", "calibration_slope")
    )
    told = (
        f"The calibration error is {number(errors.value)}{span(errors, number)}, asked for: at most {number(error)}; "
        f"the calibration slope is {number(slopes.value)}{span(slopes, number)}, asked for: {number(1 / slope)} to {number(slope)}"
    )
    if not np.isfinite(slopes.value):
        verdict = Verdict.ERROR
    else:
        verdict = Verdict.PASS if errors.value <= error and 1 / slope <= slopes.value <= slope else Verdict.FAIL
    return GateResult(gate="calibration", verdict=verdict, sentence=f"{told}: {_outcome(verdict, scored)}.")


def _above(gain: Estimate, line: float) -> Verdict:
    if not np.isfinite(gain.value):
        return Verdict.ERROR
    if gain.low is None or gain.high is None:
        return Verdict.INCONCLUSIVE
    if gain.low > line:
        return Verdict.PASS
    return Verdict.FAIL if gain.high < line else Verdict.INCONCLUSIVE


def _beside(scored: Scored, other: str) -> str:
    return f"The challenger's {scored.metric} is {_figure(scored, 'challenger')}, the {other}'s {_figure(scored, other)}"


def _figure(scored: Scored, role: str) -> str:
    figures: Floats = scored.figures[role]
    return f"{number(float(figures[0]))}{scored.unit}"


def _told(gain: Estimate, scored: Scored) -> str:
    bounds_told = span(gain, number, what=f"{percent(CERTAINTY)} bounds", between=" and ")
    return f"{number(gain.value)}{scored.unit}{bounds_told} over {days(scored.day_count)}"


def _outcome(verdict: Verdict, scored: Scored) -> str:
    if verdict is Verdict.INCONCLUSIVE and scored.day_count == 1:
        return "inconclusive, as one day gives no interval"
    return _OUTCOMES[verdict]


_OUTCOMES = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.ERROR: "cannot be told",
}
