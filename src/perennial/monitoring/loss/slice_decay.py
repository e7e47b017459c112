"""Decay of slices: whether the champion has become worse for some of the rows while it may be as good as ever on the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from perennial.core.receipts import NightLoss, Signal, SignalState
from perennial.monitoring.holm import holm_level
from perennial.monitoring.loss.decay import evidence
from perennial.monitoring.loss.losses import SliceLoss
from perennial.monitoring.loss.usable import UsableNight, usable_nights

_MOST = 5
_LEAST = 1e-300


def slice_decay(
    nights: Sequence[NightLoss],
    learnt: Mapping[str, SliceLoss],
    *,
    tolerance: float,
    alpha: float,
    minimum_labels: int,
    loss_name: str,
) -> Signal:
    """Say on which slices the loss has risen above the evaluated one by more than is tolerated.

    Each slice is tested as :func:`perennial.monitoring.loss.decay.decay` tests the whole. One over the evidence is no larger than a
    p-value would be, so that Holm's rule shares the budget over the slices.

    Args:
        nights: The slices' losses of one version in one role, in any order.
        learnt: What the holdout says of each slice. Others are not tested: nobody knows what they lost before.
        tolerance: The increase of the loss, as a share, that is not worth a retraining.
        alpha: The budget of false alarms per night, for all slices together.
        minimum_labels: A night of a slice with fewer labels does not count, unless it has one for each prediction.
        loss_name: What the sentence calls the loss.

    Returns:
        A signal whose value is the greatest evidence, and whose threshold is what that slice's had to reach.
    """
    usable = {name: usable_nights([night for night in nights if night.slice == name], minimum_labels) for name in learnt}
    tested = {name: found for name, found in usable.items() if found}
    said = partial(Signal, name="decay of slices", kind="slice_decay", unit="slices")
    if not tested:
        why = f"no night of any of {_slices(len(learnt))} counts yet"
        return said(state=SignalState.INSUFFICIENT, value=None, threshold=None, n=0, sentence=why)
    limit = len(tested) / alpha
    found = {name: _evidence(learnt[name], of_slice, tolerance, limit) for name, of_slice in tested.items()}
    level = holm_level([1 / max(value, _LEAST) for value in found.values()], alpha)
    order = sorted(found, key=lambda name: (-found[name], name))
    worse = [name for name in order if found[name] * level >= 1]
    state = SignalState.ALARM if worse else SignalState.QUIET
    named = "; ".join(_told(name, learnt[name], tested[name], loss_name) for name in (worse or order)[: _MOST if worse else 1])
    which = f"{len(worse)} of {_slices(len(tested))} lost more than is tolerated" if worse else f"none of {_slices(len(tested))}"
    sentence = f"{which}: {named}" if worse else f"{which} lost more than is tolerated; the nearest to it: {named}"
    return said(state=state, value=found[order[0]], threshold=1 / level, n=len(tested), sentence=sentence)


def _evidence(learnt: SliceLoss, nights: Sequence[UsableNight], tolerance: float, threshold: float) -> float:
    evaluated = learnt.evaluated
    return evidence(nights, evaluated.tolerated(tolerance), threshold, evaluated.variation)


def _told(name: str, learnt: SliceLoss, nights: Sequence[UsableNight], loss_name: str) -> str:
    last = nights[-7:]
    rows = sum(night.rows for night in last)
    mean = sum(night.loss * night.rows for night in last) / rows
    return f"{name}, {loss_name} {mean:.3g} on the last {rows} rows, evaluated {learnt.loss:.3g}"


def _slices(number: int) -> str:
    return "1 slice" if number == 1 else f"{number} slices"
