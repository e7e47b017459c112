"""The rules that a challenger must pass, each with the sentence that a person reads."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from perennial.core.receipts import Estimate, GateResult, Verdict
from perennial.learning.arrays import Floats
from perennial.learning.bootstrap import CERTAINTY, bounds, estimate, resampled, resampled_mean, why_unsure
from perennial.learning.scored import Scored
from perennial.learning.words import days, number, percent, span


def baseline_gate(scored: Scored, *, share: float) -> GateResult:
    """Ask whether the challenger beats the baseline by at least *share* of the baseline's loss.

    The loss is the figure itself, or ``1 - figure`` where more is better. Passes where ``(1 - share) * baseline - challenger`` lies
    above 0 with ``CERTAINTY``, fails where it lies below, and is inconclusive in between. What is inconclusive passes all the same
    where the champion's loss surely lies above the challenger's: refused, the challenger would leave a worse model in place.
    """
    gain = scored.below((1 - share) * scored.losses("baseline"))
    asked = f"a loss at least {percent(share)} below the baseline's" if share else "a loss below the baseline's"
    found = _compared("baseline", scored, gain, f"asked for: {asked}; found beyond that")
    if found.verdict is not Verdict.INCONCLUSIVE or not _beats_champion(scored):
        return found
    sentence = f"{found.sentence} But the champion surely loses more than the challenger: passed."
    return GateResult(gate=found.gate, verdict=Verdict.PASS, sentence=sentence)


def champion_gate(scored: Scored, *, rule: Literal["superior", "non_inferior"], margin: float) -> GateResult:
    """Compare the challenger with the champion on the same rows, by the gain: the champion's loss minus the challenger's.

    ``superior`` passes where the gain lies above 0 with ``CERTAINTY``. ``non_inferior`` passes where the challenger's loss lies
    below the champion's and *margin* times the size of the champion's figure, which is drawn together with it, as it is no surer
    than the rest; also where the two predict the same on every row. It fails where the contrary is as sure, and is inconclusive in
    between. Without a champion the gate passes.
    """
    if "champion" not in scored.figures:
        sentence = "No champion takes part, so there is none to be compared with: passed."
        return GateResult(gate="champion", verdict=Verdict.PASS, sentence=sentence)
    losses = scored.losses("champion")
    if rule == "superior":
        return _compared("champion", scored, scored.below(losses), "asked for: a gain of more than 0; found")
    asked = f"asked for: a loss at most {percent(margin)} of the champion's figure above the champion's"
    if margin and scored.same_as("champion"):
        sentence = f"{_beside(scored, 'champion')}; {asked}; found: the same on every row: passed."
        return GateResult(gate="champion", verdict=Verdict.PASS, sentence=sentence)
    allowed = losses + margin * np.abs(scored.figures["champion"])
    room = scored.room(allowed)
    if room is None:
        return _compared("champion", scored, scored.below(allowed), f"{asked}; found below that")
    return _compared("champion", scored, room, asked, as_times=True)


def floor_gate(scored: Scored, *, within: float, share: float) -> GateResult:
    """Ask whether at least *share* of the rows have an error of at most *within*, in the label's unit.

    It is a demand on these rows as they are, so that the interval is told but does not decide.
    """
    right = (np.abs(scored.predictions["challenger"] - scored.actual) <= within).astype(np.float64)
    found = estimate(resampled_mean(right, scored.days), scored.day_count)
    verdict = Verdict.PASS if found.value >= share else Verdict.FAIL
    told = f"{percent(found.value)}{span(found, percent)} of {scored.actual.size} rows are within {number(within)}{scored.unit}"
    sentence = f"{told}; asked for: at least {percent(share)}: {_OUTCOMES[verdict]}."
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
    return GateResult(gate="calibration", verdict=verdict, sentence=f"{told}: {_OUTCOMES[verdict]}.")


def _beats_champion(scored: Scored) -> bool:
    """Return whether a champion takes part and its loss lies above the challenger's with ``CERTAINTY``."""
    if "champion" not in scored.figures:
        return False
    return _above_zero(bounds(scored.below(scored.losses("champion")), scored.day_count)) is Verdict.PASS


def _compared(other: str, scored: Scored, gain: Floats, found: str, *, as_times: bool = False) -> GateResult:
    """Judge the *gain* over another model, shape (1 + RESAMPLES,), which must lie above 0; *as_times*, it is a logarithm."""
    sure = bounds(gain, scored.day_count)
    told = _as_times(sure) if as_times else f": {number(sure.value)}{scored.unit}{_bounds(sure)}"
    verdict = _above_zero(sure)
    why = why_unsure(gain, scored.day_count) if sure.low is None and verdict is Verdict.INCONCLUSIVE else ""
    outcome = f"{_OUTCOMES[verdict]}{why and f', as {why}'}"
    sentence = f"{_beside(scored, other)}; {found}{told} over {days(scored.day_count)}: {outcome}."
    return GateResult(gate=other, verdict=verdict, sentence=sentence)


def _as_times(room: Estimate) -> str:
    """Tell the logarithm of what is allowed over what was found: how many times as much that is."""
    low, high = (None if end is None else math.exp(-end) for end in (room.high, room.low))
    found = Estimate(value=math.exp(-room.value), low=low, high=high)
    return f"; found: {number(found.value)} times as much as that{_bounds(found)}"


def _bounds(found: Estimate) -> str:
    return span(found, number, what=f"{percent(CERTAINTY)} bounds", between=" and ")


def _beside(scored: Scored, other: str) -> str:
    return f"The challenger's {scored.metric} is {_figure(scored, 'challenger')}, the {other}'s {_figure(scored, other)}"


def _above_zero(sure: Estimate) -> Verdict:
    if not np.isfinite(sure.value):
        return Verdict.ERROR
    if sure.low is None or sure.high is None:
        return Verdict.INCONCLUSIVE
    if sure.low > 0:
        return Verdict.PASS
    return Verdict.FAIL if sure.high < 0 else Verdict.INCONCLUSIVE


def _figure(scored: Scored, role: str) -> str:
    return f"{number(float(scored.figures[role][0]))}{scored.unit}"


_OUTCOMES = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.ERROR: "cannot be told",
}
