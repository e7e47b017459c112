"""What it would have taken to decide otherwise: the smallest changes of a night's facts that end in another action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from perennial.core.receipts import Action, Signal, SignalState
from perennial.monitoring.decision.policy import Facts, Outcome, Policy, causes_of, days, decide, figure, patience

_WOULD = {
    Action.QUARANTINE: "would go into quarantine",
    Action.HOLD: "would be held",
    Action.RETRAIN: "would ask for a retraining",
    Action.WATCH: "would be watched",
    Action.KEEP: "would keep the champion",
}
_GATHERED = frozenset({"decay", "baseline"})
"""The kinds of signals whose value is evidence that is gathered over nights."""

_INSTANT = timedelta(microseconds=1)
_FARTHEST = 366
"""Nights further ahead than this are not told: nothing stays alike for so long."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The facts as they might have been, and what would have had to happen, as the beginning of a sentence."""

    facts: Facts
    words: str


def otherwise(facts: Facts, policy: Policy) -> tuple[str, ...]:
    """Return what would have changed the decision about a night, a sentence each; what stands in the way comes first.

    Each is tried: the ladder is climbed again with the facts changed so, and only what ends in another action is told, or on hold
    for another reason. What the ledger says of a request (cooldown, budget) is not known here.

    Args:
        facts: Of the night.
        policy: What the definition says.
    """
    outcome = decide(facts, policy)
    told = [_told(change, policy) for change in _single(facts, policy) if _differs(change, outcome, policy)]
    return tuple(told or [_told(change, policy) for change in _together(facts, policy) if _differs(change, outcome, policy)])


def _told(change: _Change, policy: Policy) -> str:
    return f"{change.words} the night {_WOULD[decide(change.facts, policy).action]}"


def _differs(change: _Change, outcome: Outcome, policy: Policy) -> bool:
    found = decide(change.facts, policy)
    return found.action is not outcome.action or (found.action is Action.HOLD and found.rule != outcome.rule)


def _single(facts: Facts, policy: Policy) -> Iterator[_Change]:
    yield from _data(facts)
    yield from _champion(facts)
    yield from _waits(facts, policy)
    yield from _younger(facts, policy)
    for signal in sorted(facts.signals, key=lambda signal: signal.kind not in policy.causes):
        if signal.state is not SignalState.INSUFFICIENT or signal.kind in policy.causes:
            yield _signal(facts, signal)


def _together(facts: Facts, policy: Policy) -> Iterator[_Change]:
    """Yield what several facts at once would change, where no single one would."""
    causes = causes_of(facts, policy)
    alarms = [signal for signal in facts.signals if signal.state is SignalState.ALARM]
    young = next(_younger(facts, policy), None)
    for some in (causes, alarms) if len(causes) < len(alarms) else (alarms,):
        if len(some) + (young is not None) > 1:
            words = f"without the {'alarm' if len(some) == 1 else 'alarms'} of {_all(some)}"
            start, more = (young.facts, f" and {young.words}") if young else (facts, "")
            yield _Change(_with(start, some, SignalState.QUIET), f"{words}{more}")


def _younger(facts: Facts, policy: Policy) -> Iterator[_Change]:
    age = facts.champion_age
    if age is not None and policy.max_age is not None and age > policy.max_age:
        yield _Change(replace(facts, champion_age=policy.max_age), f"with a champion that is at most {days(policy.max_age)} old")


def _data(facts: Facts) -> Iterator[_Change]:
    if facts.data_fault is not None:
        yield _Change(replace(facts, data_fault=None), "without the data fault, or once it is released,")
    if facts.rows < facts.minimum_rows:
        more = facts.minimum_rows - facts.rows
        yield _Change(replace(facts, rows=facts.minimum_rows), f"with {more} more {'row' if more == 1 else 'rows'}")


def _champion(facts: Facts) -> Iterator[_Change]:
    if facts.retired is not None:
        known = replace(facts, retired=None, champion_age=facts.champion_age or timedelta())
        yield _Change(known, "if the model were brought back")
    elif facts.champion_age is None:
        yield _Change(replace(facts, champion_age=timedelta()), "with a champion")


def _waits(facts: Facts, policy: Policy) -> Iterator[_Change]:
    """Yield what passes by waiting: ages, fresh data, the patience with what was refused; and what a person ends."""
    if facts.refused_in_a_row >= policy.breaker:
        cleared = replace(facts, refused_in_a_row=0, answers_refused=0, since_answer=None)
        yield _Change(cleared, "once a challenger passes, or a person promotes one or rolls back,")
    age = facts.champion_age
    if age is not None and policy.min_age is not None and age < policy.min_age:
        words = f"in {days(policy.min_age - age)}, when the champion is {days(policy.min_age)} old,"
        yield _Change(replace(facts, champion_age=policy.min_age), words)
    if age is not None and policy.max_age is not None and age <= policy.max_age:
        words = f"in {days(policy.max_age - age)}, when the champion is more than {days(policy.max_age)} old,"
        yield _Change(replace(facts, champion_age=policy.max_age + _INSTANT), words)
    if facts.since_answer is not None:
        wait = patience(facts.answers_refused) * policy.cooldown
        words = f"in {days(wait - facts.since_answer)}, when {days(wait)} have passed since the last request,"
        yield _Change(replace(facts, since_answer=max(wait, facts.since_answer)), words)
    yield from _fresh(facts, policy)


def _fresh(facts: Facts, policy: Policy) -> Iterator[_Change]:
    since = next((signal.since for signal in causes_of(facts, policy)), None)
    if since is not None and policy.fresh is not None and facts.trained_until is not None:
        ready = max(since + policy.fresh, facts.trained_until)
        words = (
            f"in {days(ready - facts.trained_until)}, when a retraining would be fitted on {days(policy.fresh)} since the change,"
        )
        yield _Change(replace(facts, trained_until=ready), words)


def _signal(facts: Facts, signal: Signal) -> _Change:
    """Return the facts with *signal* on the other side of its threshold."""
    if signal.state is SignalState.ALARM:
        return _Change(_with(facts, [signal], SignalState.QUIET), f"{signal.name}: {_below(signal)}")
    return _Change(_with(facts, [signal], SignalState.ALARM), f"{signal.name}: {_above(signal, facts)}")


def _below(signal: Signal) -> str:
    value, threshold = signal.value, signal.threshold
    if value is None or threshold is None or value < threshold:  # another test of it alarmed than the one that is shown
        return "without its alarm"
    return f"below {figure(threshold)} ({figure(value)} was measured)"


def _above(signal: Signal, facts: Facts) -> str:
    if signal.state is SignalState.INSUFFICIENT:
        return "with an alarm, for which there is not enough evidence yet,"
    if signal.value is None or signal.threshold is None:
        return "with an alarm"
    measured = f"at {figure(signal.threshold)} ({figure(signal.value)} was measured)"
    nights = _nights_like_the_last(signal, facts.before.get(signal.name))
    if nights is None:
        return measured
    return f"{measured}, after about {nights} more {'night' if nights == 1 else 'nights'} like the last,"


def _nights_like_the_last(signal: Signal, before: float | None) -> int | None:
    """Return after how many nights evidence that is gathered over nights would reach its threshold, if all were like the last one.

    A night multiplies by some factor what was there before and one more unit (Shiryaev and Roberts); the last night shows it.
    """
    if signal.kind not in _GATHERED or before is None or signal.value is None or signal.threshold is None:
        return None
    factor, found = signal.value / (before + 1), signal.value
    for night in range(1, _FARTHEST + 1):
        found = (found + 1) * factor
        if found >= signal.threshold:
            return night
    return None


def _with(facts: Facts, some: Sequence[Signal], state: SignalState) -> Facts:
    return replace(facts, signals=tuple(one.model_copy(update={"state": state}) if one in some else one for one in facts.signals))


def _all(signals: Sequence[Signal]) -> str:
    *others, last = [signal.name for signal in signals]
    return f"{', '.join(others)} and {last}" if others else last
