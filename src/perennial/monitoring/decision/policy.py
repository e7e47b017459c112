"""The policy: from the facts of a night to what to do about it. The first rule that matches wins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from perennial.core.receipts import Action, Signal, SignalState

_MOST_PATIENCE = 4
_THOUSAND = 1000
_OF_LABELS = frozenset({"decay", "slice_decay", "baseline", "label_drift"})
"""The kinds of signals that rest on labels, not on tonight's rows."""


class Policy(Protocol):
    """What a definition says about retraining. Cooldown and budget are enforced where the request is filed, too."""

    @property
    def causes(self) -> Sequence[str]:
        """The kinds of signals whose alarm is enough by itself."""

    @property
    def cooldown(self) -> timedelta:
        """The least time between two requests."""

    @property
    def max_per_30d(self) -> int | None:
        """The most requests in 30 days."""

    @property
    def max_age(self) -> timedelta | None:
        """A champion of this age asks for a retraining."""

    @property
    def min_age(self) -> timedelta | None:
        """A champion younger than this is not retrained by an alarm."""

    @property
    def fresh(self) -> timedelta | None:
        """How far the training part must reach past a change before a retraining answers it."""

    @property
    def breaker(self) -> int:
        """After so many refused challengers in a row no decision asks for another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a night.

    Attributes:
        data_fault: What is wrong with the night's data, or None.
        champion_age: At the night's end; None where there is no champion.
        retired: Who retired the model, and why; None where nobody did.
        rows: The night's rows that can be used.
        minimum_rows: With fewer, only what labels say, or the champion's age, decides anything.
        signals: What was measured.
        refused_in_a_row: Challengers refused since the last one that passed, or the last promotion.
        answers_refused: How many of these answered the request of a decision.
        since_answer: How long ago the last request was that such a one answered.
        trained_until: The end of what a retraining tonight would be fitted on; None where nobody can say.
        before: What each signal was worth on the night before, by its name, where the same champion was measured.
    """

    data_fault: str | None
    champion_age: timedelta | None
    rows: int
    minimum_rows: int
    signals: Sequence[Signal]
    refused_in_a_row: int
    answers_refused: int = 0
    since_answer: timedelta | None = None
    trained_until: datetime | None = None
    retired: str | None = None
    before: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do about the night, which rule said so, and the sentence that a person reads."""

    action: Action
    rule: str
    sentence: str


def decide(facts: Facts, policy: Policy) -> Outcome:
    """Return what *policy* says about *facts*: quarantine, hold, retrain, watch or keep, tried in this order."""
    rules = (_quarantine, _hold, _retrain, _watch)
    outcomes = (rule(facts, policy) for rule in rules)
    return next((outcome for outcome in outcomes if outcome), _keep(facts, policy))


def _quarantine(facts: Facts, _: Policy) -> Outcome | None:
    if facts.data_fault is None:
        return None
    return Outcome(Action.QUARANTINE, "data_fault", f"the night's data is at fault: {facts.data_fault}")


def _hold(facts: Facts, policy: Policy) -> Outcome | None:
    if facts.retired is not None:
        return Outcome(Action.HOLD, "retired", f"the model was retired {facts.retired}")
    if facts.champion_age is None:
        return Outcome(Action.HOLD, "no_champion", "there is no champion to judge")
    causes = causes_of(facts, policy)
    if facts.rows < facts.minimum_rows and not causes and not _too_old(facts, policy):
        few = "1 row is" if facts.rows == 1 else f"{facts.rows} rows are"
        return Outcome(Action.HOLD, "rows", f"{few} too few to judge, {facts.minimum_rows} are needed")
    if causes and policy.min_age is not None and facts.champion_age < policy.min_age:
        young = f"the champion is {days(facts.champion_age)} old, {days(policy.min_age)} are needed before an alarm retrains it"
        return Outcome(Action.HOLD, "min_age", f"{young}; {_sentences(causes)}")
    return _hold_for_fresh_data(causes, facts, policy)


def _hold_for_fresh_data(causes: Sequence[Signal], facts: Facts, policy: Policy) -> Outcome | None:
    """Wait until a retraining could learn of the change: fitted on what came before it, it would only repeat the champion."""
    since = causes[0].since if causes else None
    if since is None or policy.fresh is None or facts.trained_until is None:
        return None
    reach = max(facts.trained_until - since, timedelta())
    if reach >= policy.fresh:
        return None
    little = f"a retraining tonight would be fitted on {days(reach)} since the change, {days(policy.fresh)} are needed"
    return Outcome(Action.HOLD, "fresh", f"{little}; {_sentences(causes)}")


def _retrain(facts: Facts, policy: Policy) -> Outcome | None:
    causes, age = causes_of(facts, policy), facts.champion_age
    if causes:
        asked = Outcome(Action.RETRAIN, causes[0].kind, _sentences(causes))
    elif _too_old(facts, policy) and policy.max_age is not None and age is not None:
        asked = Outcome(Action.RETRAIN, "max_age", f"the champion is {days(age)} old, {days(policy.max_age)} are allowed")
    else:
        return None
    if facts.refused_in_a_row >= policy.breaker:
        return Outcome(Action.HOLD, "breaker", f"{tripped(facts.refused_in_a_row, policy.breaker)}; {asked.sentence}")
    return _hold_back(facts, policy, asked) or asked


def tripped(refused_in_a_row: int, breaker: int) -> str:
    """Return what to say where so many challengers were refused that the *breaker* stops alarms and ages from asking for more."""
    return f"{refused_in_a_row} challengers in a row were refused, after {breaker} none is asked for any more: tell a person"


def _hold_back(facts: Facts, policy: Policy, asked: Outcome) -> Outcome | None:
    """Ask less often for what was refused: what did not help a while ago will hardly help now."""
    times = patience(facts.answers_refused)
    if facts.since_answer is None or facts.since_answer >= times * policy.cooldown:
        return None
    refused = "the challenger that was asked for last was" if facts.answers_refused == 1 else "the last challengers asked for were"
    wait = f"{times} times the cooldown, {days(times * policy.cooldown)}, must pass since then, {days(facts.since_answer)} have"
    return Outcome(Action.HOLD, "backoff", f"{refused} refused, so {wait}; {asked.sentence}")


def patience(answers_refused: int) -> int:
    """Return how many cooldowns must pass after a request of which so many in a row were answered by a refused challenger.

    Examples:
        >>> [patience(refused) for refused in range(5)]
        [1, 2, 4, 4, 4]
    """
    return min(1 << answers_refused, _MOST_PATIENCE)


def _watch(facts: Facts, policy: Policy) -> Outcome | None:
    alarms = [signal for signal in facts.signals if signal.state is SignalState.ALARM]
    if not alarms:
        return None
    would = f"only {' or '.join(policy.causes)} would retrain" if policy.causes else "no alarm would retrain"
    others = [signal for signal in facts.signals if signal.kind in policy.causes and signal not in alarms]
    return Outcome(Action.WATCH, alarms[0].kind, "; ".join((_sentences(alarms), would, *map(_short, others))))


def _keep(facts: Facts, policy: Policy) -> Outcome:
    """Say the figure of what would retrain, and count the others. All of them stand in the decision, with their sentences."""
    causes = [signal for signal in facts.signals if signal.kind in policy.causes]
    told = next((signal for signal in (*causes, *facts.signals) if signal.state is SignalState.QUIET), None)
    unknown = [f"{signal.name} has no answer yet" for signal in causes if signal.state is SignalState.INSUFFICIENT]
    others = len(facts.signals) - len(unknown) - (told is not None)
    rest = f"none of {others} other signals alarms" if others > 1 else "the other signal is quiet" if others else ""
    said = ", ".join(part for part in (*unknown, _short(told) if told else "", rest) if part)
    return Outcome(Action.KEEP, "quiet", said or "nothing was measured")


def _short(signal: Signal) -> str:
    """Return a signal in few words: its figure and its threshold."""
    if signal.state is SignalState.INSUFFICIENT or signal.value is None or signal.threshold is None:
        return f"{signal.name}: {signal.sentence}"
    return f"{signal.name}: {figure(signal.value)} measured, an alarm from {figure(signal.threshold)} on"


def _too_old(facts: Facts, policy: Policy) -> bool:
    return policy.max_age is not None and facts.champion_age is not None and facts.champion_age > policy.max_age


def causes_of(facts: Facts, policy: Policy) -> list[Signal]:
    """Return the alarms that are enough by themselves: decay before its slices, then in the order in which they were measured.

    Where the night has too few rows, only those that rest on the labels of earlier nights are: a model may predict one row a day.
    """
    told = policy.causes if facts.rows >= facts.minimum_rows else _OF_LABELS.intersection(policy.causes)
    alarms = [signal for signal in facts.signals if signal.state is SignalState.ALARM and signal.kind in told]
    return sorted(alarms, key=lambda signal: (signal.kind != "decay", signal.kind != "slice_decay"))


def _sentences(signals: Iterable[Signal]) -> str:
    return "; ".join(_each(signals))


def _each(signals: Iterable[Signal]) -> list[str]:
    return [f"{signal.name}: {signal.sentence}" for signal in signals]


def figure(number: float) -> str:
    """Return three digits, or all before the point where there are more.

    Examples:
        >>> figure(0.35914), figure(812.4), figure(12345.6)
        ('0.359', '812', '12346')
    """
    return f"{number:.3g}" if abs(number) < _THOUSAND or not math.isfinite(number) else f"{number:.0f}"


def days(span: timedelta) -> str:
    """Return how long *span* is, in words."""
    number = span / timedelta(days=1)
    return "1 day" if number == 1 else f"{number:.3g} days"
