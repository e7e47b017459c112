"""backtest: what each policy would have cost in error and in retrainings, and which one to take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from perennial.backtest.controls import at_random, hindsight, randomly, trivial
from perennial.backtest.figures import figures
from perennial.backtest.findings import Control, Findings, Monitored, Timeline, TriedPolicy
from perennial.backtest.lane import Lane, TriedNight
from perennial.backtest.nightly import Nightly, side_by_side
from perennial.backtest.policies import Policy, Simplicity
from perennial.backtest.recommend import recommend
from perennial.backtest.shelf import Shelf
from perennial.backtest.staleness import staleness
from perennial.backtest.walk import Round, own_policy, walking
from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Action, Estimate
from perennial.definition.calendar import nights
from perennial.definition.models import Definition
from perennial.ports import Workshop
from perennial.steps.calibrate import calibrate
from perennial.steps.measuring.loss import loss_of
from perennial.steps.measuring.recommended import recommended
from perennial.wiring import Reading

DRAWS = 3
Nights = Mapping[str, Mapping[Interval, TriedNight]]


def backtest(
    definition: Definition,
    policies: Sequence[Policy],
    within: Interval,
    reading: Reading,
    *,
    shelf: Shelf,
    workshops: Sequence[Workshop],
    segment: str = ALL,
    draws: int = DRAWS,
    progress: Callable[[str, Round], object] = lambda _, __: None,
) -> Findings:
    """Walk through the history under all *policies*, and then at random, and compare.

    Args:
        definition: The model.
        policies: At least one; their names differ.
        within: From the cut-off of the first model to the end of the last night.
        reading: The sources, the signing key, the scratch folder and the trusted types.
        shelf: What was found before, and will be.
        workshops: Where models are fitted, one at a time in each.
        segment: Of which segment.
        draws: How often the policy that retrains at random is drawn; 0 leaves it out, and the settings of the monitoring.
        progress: Told after each night.

    Raises:
        DataError: The source; DATA_EMPTY, no night was predicted under every policy.
    """
    with walking(definition, policies, within, reading, shelf=shelf, workshops=workshops, segment=segment) as walk:
        for done in walk.rounds():
            progress("policies", done)
        lanes, fits, nightly = walk.lanes, walk.fits.fitted, _nightly(walk.lanes)
        tried = [_tried(definition, lane, nightly, figures(definition, lane.kept_pairs(), nightly)) for lane in lanes]
        monitored = _monitored(definition, lanes) if draws else None
    drawn, more = _random(definition, tried, nightly, within, reading, shelf, workshops, segment, draws, progress)
    told = {lane.policy.name: lane.nights for lane in lanes}
    return Findings(
        model=definition.name,
        segment=segment,
        loss=loss_of(definition).words,
        within=within,
        as_of=within.end,
        nights=len(nightly.nights),
        left_out=max(map(len, told.values())) - len(nightly.nights),
        policies=tuple(_marked(tried)),
        controls=tuple(_controls(definition, told, nightly, tried, drawn)),
        staleness=tuple(staleness(told, nightly)),
        monitoring=monitored,
        recommendation=recommend(definition, tried, nightly),
        timelines=tuple(
            Timeline(policy=lane.policy.name, nights=tuple(lane.nights.values()), retrainings=tuple(lane.retrainings))
            for lane in lanes
        ),
        fits=fits + more,
        asked=sum(len(lane.retrainings) for lane in lanes),
    )


def _monitored(definition: Definition, lanes: Sequence[Lane]) -> Monitored:
    """Return what the settings of the monitoring would have done, under the definition's own policy or one like it."""
    own = own_policy([lane.policy for lane in lanes])
    lane = next(lane for lane in lanes if lane.policy is own)
    found = calibrate(definition, lane.segment, lane.stores)
    return Monitored(policy=own.name, calibration=found, advice=recommended(definition, found))


def _nightly(lanes: Sequence[Lane], among: Sequence[Interval] | None = None) -> Nightly:
    """Return the lanes side by side.

    Raises:
        DataError: DATA_EMPTY.
    """
    nights = {lane.policy.name: lane.nights for lane in lanes}
    found = side_by_side(nights, {lane.policy.name: lane.retrainings for lane in lanes}, among)
    if not found.nights:
        raise DataError(
            Code.DATA_EMPTY, "no night was predicted, and got labels, under every policy", where=lanes[0].definition.name
        )
    return found


def _tried(definition: Definition, lane: Lane, nightly: Nightly, pooled: dict[str, Estimate]) -> TriedPolicy:
    name, cost, first = lane.policy.name, definition.kpi.cost, 1
    nights, later = lane.nights.values(), lane.retrainings[first:]  # all policies begin with the same first model
    rows, losses = float(nightly.rows[name].sum()), float(nightly.sums[name].sum())
    return TriedPolicy(
        policy=lane.policy,
        loss=nightly.told(nightly.mean(name)),
        gain=nightly.told(nightly.gain(name, "never")) if "never" in nightly.sums and name != "never" and rows else None,
        figures=pooled,
        worst=nightly.worst(name),
        retrainings=len(later),
        refused=sum(not one.promoted for one in later),
        alarms=sum(bool(night.alarms) for night in nights),
        faults=sum(night.action is Action.QUARANTINE for night in nights),
        seconds=sum(one.seconds for one in later),
        cost=None if cost is None else cost.loss * losses + cost.retraining * len(later),
    )


def _random(
    definition: Definition,
    tried: Sequence[TriedPolicy],
    among: Nightly,
    within: Interval,
    reading: Reading,
    shelf: Shelf,
    workshops: Sequence[Workshop],
    segment: str,
    draws: int,
    progress: Callable[[str, Round], object],
) -> tuple[tuple[TriedPolicy, list[TriedPolicy]] | None, int]:
    """Retrain as often at random as the least simple policy that retrained by alarms did; None where none did."""
    triggered = [one for one in tried if one.policy.simplicity >= Simplicity.TRIGGERED and one.retrainings]
    if not (triggered and draws):
        return None, 0
    like = max(triggered, key=lambda one: (one.policy.simplicity, one.policy.gated))
    walked, seed = list(nights(definition.schedule, within)), definition.estimator.seed
    drawn = at_random(like.policy, like.retrainings, walked, times=draws, seed=seed)
    with walking(definition, drawn, within, reading, shelf=shelf, workshops=workshops, segment=segment) as walk:
        for done in walk.rounds():
            progress("at random", done)
        nightly = _nightly(walk.lanes, among.nights)
        return (like, [_tried(definition, lane, nightly, {}) for lane in walk.lanes]), walk.fits.fitted


def _controls(
    definition: Definition,
    told: Nights,
    nightly: Nightly,
    tried: Sequence[TriedPolicy],
    drawn: tuple[TriedPolicy, list[TriedPolicy]] | None,
) -> list[Control]:
    freshest = max(tried, key=lambda one: one.retrainings - one.refused)
    found = [trivial(told, nightly, freshest, definition.evaluation.baseline)]
    if drawn is not None:
        found.append(randomly(drawn[1], drawn[0]))
    return [*found, hindsight(tried)]


def _marked(tried: Sequence[TriedPolicy]) -> list[TriedPolicy]:
    """Return the policies with marks at the best one, and at those than which none loses less with as few retrainings."""
    best = min(one.loss.value for one in tried)
    return [
        one.model_copy(
            update={
                "best": one.loss.value == best,
                "pareto": not any(
                    other.loss.value <= one.loss.value
                    and other.retrainings <= one.retrainings
                    and (other.loss.value, other.retrainings) != (one.loss.value, one.retrainings)
                    for other in tried
                ),
            }
        )
        for one in tried
    ]
