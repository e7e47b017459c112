"""The ladder from the facts of a night to what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from perennial.core.receipts import Action, Signal, SignalState
from perennial.definition.models import Retraining
from perennial.monitoring.decision.policy import Facts, Outcome, Policy, decide

DAY = timedelta(days=1)


def signal(kind: str, state: SignalState, sentence: str) -> Signal:
    """Return a signal that says *sentence*."""
    return Signal(name=kind, kind=kind, state=state, value=1.0, threshold=2.0, n=100, sentence=sentence)


DECAYED = signal("decay", SignalState.ALARM, "evidence 812 of 365 needed")
WELL = signal("decay", SignalState.QUIET, "evidence 12 of 365 needed")
UNKNOWN = signal("decay", SignalState.INSUFFICIENT, "no night was predicted yet")
DRIFTED = signal("drift", SignalState.ALARM, "1 of 3 columns moved")
STILL = signal("drift", SignalState.QUIET, "none of 3 columns moved")
BEHIND = signal("baseline", SignalState.ALARM, "the champion loses to the baseline")

QUIET_NIGHT = Facts(data_fault=None, champion_age=30 * DAY, rows=1000, minimum_rows=20, signals=(WELL, STILL), refused_in_a_row=0)


@dataclass(frozen=True)
class Rules:
    """A policy as a definition would give it."""

    causes: tuple[str, ...] = ("decay",)
    cooldown: timedelta = 7 * DAY
    max_per_30d: int | None = 3
    max_age: timedelta | None = 60 * DAY
    min_age: timedelta | None = 3 * DAY
    breaker: int = 3
    fresh: timedelta | None = None


def test_a_definition_is_a_policy() -> None:
    """Its retraining section fits by its shape alone."""
    policy: Policy = Retraining(cooldown=7 * DAY)
    assert decide(replace(QUIET_NIGHT, signals=(DECAYED,)), policy).action is Action.RETRAIN


def test_a_data_fault_is_quarantined_whatever_else_is_true() -> None:
    """Bad data does not count as drift, and trains nothing."""
    facts = replace(QUIET_NIGHT, data_fault="temperature below -60", champion_age=None, rows=0, signals=(DECAYED, DRIFTED))
    expected = Outcome(Action.QUARANTINE, "data_fault", "the night's data is at fault: temperature below -60")
    assert decide(facts, Rules()) == expected


def test_a_retired_model_is_held_and_says_who_and_why() -> None:
    """It has no champion because somebody wanted that."""
    facts = replace(QUIET_NIGHT, champion_age=None, retired="by ana: no more bikes", signals=())
    assert decide(facts, Rules()) == Outcome(Action.HOLD, "retired", "the model was retired by ana: no more bikes")


def test_without_a_champion_the_night_is_held() -> None:
    """Even when something alarms."""
    expected = Outcome(Action.HOLD, "no_champion", "there is no champion to judge")
    assert decide(replace(QUIET_NIGHT, champion_age=None, signals=(DECAYED,)), Rules()) == expected


def test_with_few_rows_the_night_is_held() -> None:
    """Even when something of tonight's rows alarms, and also where nothing does."""
    expected = Outcome(Action.HOLD, "rows", "19 rows are too few to judge, 20 are needed")
    assert decide(replace(QUIET_NIGHT, rows=19, signals=(DRIFTED,)), Rules(causes=("decay", "drift"))) == expected
    assert decide(replace(QUIET_NIGHT, rows=19), Rules()) == expected


@pytest.mark.parametrize("kind", ["decay", "slice_decay"])
def test_few_rows_tonight_do_not_keep_what_labels_say_from_retraining(kind: str) -> None:
    """The loss is judged by the labels of many nights, in a model of one row a day as in any other."""
    decayed = signal(kind, SignalState.ALARM, "evidence 812 of 365 needed")
    facts = replace(QUIET_NIGHT, rows=1, signals=(DRIFTED, decayed))
    policy = Rules(causes=(kind,))
    assert decide(facts, policy) == Outcome(Action.RETRAIN, kind, f"{kind}: evidence 812 of 365 needed")
    held = decide(facts, replace(policy, min_age=40 * DAY, max_age=None))
    assert (held.action, held.rule) == (Action.HOLD, "min_age")


def test_few_rows_tonight_do_not_keep_an_old_champion() -> None:
    """Its age has nothing to do with tonight."""
    facts = replace(QUIET_NIGHT, rows=1, champion_age=61 * DAY)
    assert decide(facts, Rules()) == Outcome(Action.RETRAIN, "max_age", "the champion is 61 days old, 60 days are allowed")


def test_a_young_champion_is_not_retrained_by_an_alarm() -> None:
    """At its minimum age it is."""
    facts = replace(QUIET_NIGHT, champion_age=2 * DAY, signals=(DECAYED,))
    sentence = "the champion is 2 days old, 3 days are needed before an alarm retrains it; decay: evidence 812 of 365 needed"
    assert decide(facts, Rules()) == Outcome(Action.HOLD, "min_age", sentence)
    assert decide(replace(facts, champion_age=3 * DAY), Rules()).action is Action.RETRAIN


def test_a_young_champion_without_an_alarm_is_kept() -> None:
    """And an alarm that is no cause is watched at any age."""
    assert decide(replace(QUIET_NIGHT, champion_age=DAY), Rules()).action is Action.KEEP
    assert decide(replace(QUIET_NIGHT, champion_age=DAY, signals=(DRIFTED,)), Rules()).action is Action.WATCH


def test_decay_retrains() -> None:
    """The rule is the signal's kind."""
    expected = Outcome(Action.RETRAIN, "decay", "decay: evidence 812 of 365 needed")
    assert decide(replace(QUIET_NIGHT, signals=(DECAYED, STILL)), Rules()) == expected


def test_drift_retrains_where_the_policy_names_it() -> None:
    """And only there."""
    facts = replace(QUIET_NIGHT, signals=(WELL, DRIFTED))
    expected = Outcome(Action.RETRAIN, "drift", "drift: 1 of 3 columns moved")
    assert decide(facts, Rules(causes=("decay", "drift"))) == expected


def test_decay_comes_before_drift() -> None:
    """Both are said, whatever the order in which they were measured."""
    facts = replace(QUIET_NIGHT, signals=(DRIFTED, DECAYED))
    expected = Outcome(Action.RETRAIN, "decay", "decay: evidence 812 of 365 needed; drift: 1 of 3 columns moved")
    assert decide(facts, Rules(causes=("decay", "drift"))) == expected


def test_an_old_champion_is_retrained() -> None:
    """Beyond its maximum age, not at it."""
    facts = replace(QUIET_NIGHT, champion_age=61 * DAY)
    assert decide(facts, Rules()) == Outcome(Action.RETRAIN, "max_age", "the champion is 61 days old, 60 days are allowed")
    assert decide(replace(facts, champion_age=60 * DAY), Rules()).action is Action.KEEP
    assert decide(facts, Rules(max_age=None)).action is Action.KEEP


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(QUIET_NIGHT, signals=(DECAYED,)), "decay: evidence 812 of 365 needed"),
        (replace(QUIET_NIGHT, champion_age=61 * DAY), "the champion is 61 days old, 60 days are allowed"),
    ],
)
def test_refusals_in_a_row_stop_retraining_until_a_person_acts(facts: Facts, reason: str) -> None:
    """Whatever asks for it; with one refusal fewer it goes on."""
    expected = f"3 challengers in a row were refused, after 3 none is asked for any more: tell a person; {reason}"
    assert decide(replace(facts, refused_in_a_row=3), Rules()) == Outcome(Action.HOLD, "breaker", expected)
    assert decide(replace(facts, refused_in_a_row=2), Rules()).action is Action.RETRAIN


def test_drift_alone_is_watched() -> None:
    """The sentence says what would have retrained."""
    sentence = "drift: 1 of 3 columns moved; only decay would retrain; decay: 1 measured, an alarm from 2 on"
    assert decide(replace(QUIET_NIGHT, signals=(WELL, DRIFTED)), Rules()) == Outcome(Action.WATCH, "drift", sentence)


def test_a_champion_behind_its_baseline_is_watched() -> None:
    """It is a figure to look at."""
    outcome = decide(replace(QUIET_NIGHT, signals=(UNKNOWN, BEHIND)), Rules())
    sentence = "baseline: the champion loses to the baseline; only decay would retrain; decay: no night was predicted yet"
    assert outcome == Outcome(Action.WATCH, "baseline", sentence)


def test_without_any_cause_even_decay_is_only_watched() -> None:
    """A policy may leave retraining to the schedule and to people."""
    outcome = decide(replace(QUIET_NIGHT, signals=(DECAYED,)), Rules(causes=()))
    assert outcome == Outcome(Action.WATCH, "decay", "decay: evidence 812 of 365 needed; no alarm would retrain")


def test_a_quiet_night_keeps_the_champion() -> None:
    """And says what it would have taken."""
    expected = Outcome(Action.KEEP, "quiet", "decay: 1 measured, an alarm from 2 on, the other signal is quiet")
    assert decide(QUIET_NIGHT, Rules()) == expected
    assert decide(replace(QUIET_NIGHT, signals=()), Rules()).sentence == "nothing was measured"


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        ((WELL,), "decay: 1 measured, an alarm from 2 on"),
        ((STILL, WELL, STILL), "decay: 1 measured, an alarm from 2 on, none of 2 other signals alarms"),
        ((UNKNOWN, STILL, STILL), "decay has no answer yet, drift: 1 measured, an alarm from 2 on, the other signal is quiet"),
        ((UNKNOWN,), "decay has no answer yet"),
        ((), "nothing was measured"),
    ],
)
def test_a_quiet_night_is_told_in_one_short_sentence(signals: tuple[Signal, ...], said: str) -> None:
    """The figure of what would retrain, and its threshold; all signals stand in the record."""
    assert decide(replace(QUIET_NIGHT, signals=signals), Rules()).sentence == said


CHANGED = DECAYED.model_copy(update={"since": datetime(2024, 12, 26, tzinfo=UTC)})


def test_decay_is_not_answered_before_a_retraining_could_learn_of_the_change() -> None:
    """Fitted on what came before the change, a challenger would only repeat the champion."""
    facts = replace(QUIET_NIGHT, signals=(CHANGED,), trained_until=datetime(2024, 12, 28, tzinfo=UTC))
    sentence = (
        "a retraining tonight would be fitted on 2 days since the change, 5 days are needed; decay: evidence 812 of 365 needed"
    )
    assert decide(facts, Rules(fresh=5 * DAY)) == Outcome(Action.HOLD, "fresh", sentence)


@pytest.mark.parametrize("trained_until", [datetime(2024, 12, 31, tzinfo=UTC), None])
def test_decay_is_answered_once_the_training_part_reaches_past_the_change(trained_until: datetime | None) -> None:
    """Where nobody can say how far it reaches, nothing is waited for."""
    facts = replace(QUIET_NIGHT, signals=(CHANGED,), trained_until=trained_until)
    expected = Outcome(Action.RETRAIN, "decay", "decay: evidence 812 of 365 needed")
    assert decide(facts, Rules(fresh=5 * DAY)) == expected


def refused(answers: int, ago: timedelta) -> Facts:
    """Return a night that asks, where so many answers in a row were refused, the last one to a request so long ago."""
    return replace(QUIET_NIGHT, signals=(DECAYED,), refused_in_a_row=answers, answers_refused=answers, since_answer=ago)


@pytest.mark.parametrize(("answers", "days"), [(1, 14), (2, 28), (3, 28), (9, 28)])
def test_what_was_refused_is_asked_for_less_and_less_often(answers: int, days: int) -> None:
    """Twice the cooldown after one refused answer, four times after more."""
    assert decide(refused(answers, days * DAY), Rules(breaker=100)).action is Action.RETRAIN
    assert decide(refused(answers, days * DAY - timedelta(seconds=1)), Rules(breaker=100)).rule == "backoff"


def test_the_wait_after_a_refused_answer_is_told() -> None:
    """How long, since when, and what asks."""
    sentence = (
        "the challenger that was asked for last was refused, so 2 times the cooldown, 14 days, must pass since then, 10 days have; "
        "decay: evidence 812 of 365 needed"
    )
    assert decide(refused(1, 10 * DAY), Rules()) == Outcome(Action.HOLD, "backoff", sentence)


def test_a_champion_that_is_too_old_waits_as_well_after_a_refused_answer() -> None:
    """Whatever asks."""
    facts = replace(refused(1, 10 * DAY), signals=(WELL,), champion_age=61 * DAY)
    assert decide(facts, Rules()).rule == "backoff"


def test_the_breaker_comes_before_the_wait() -> None:
    """A person is to be told at once, not after four cooldowns."""
    assert decide(refused(3, DAY), Rules()).rule == "breaker"


def test_refused_challengers_that_no_decision_asked_for_make_nothing_wait() -> None:
    """The monthly ones say nothing about an alarm."""
    assert decide(replace(QUIET_NIGHT, signals=(DECAYED,), refused_in_a_row=2), Rules()).action is Action.RETRAIN


def test_decay_of_a_slice_comes_after_decay_and_before_drift() -> None:
    """Labels say more than inputs."""
    sliced = signal("slice_decay", SignalState.ALARM, "city=north lost 3 times the evaluated")
    facts = replace(QUIET_NIGHT, signals=(DRIFTED, sliced, DECAYED))
    outcome = decide(facts, Rules(causes=("decay", "slice_decay", "drift")))
    assert (outcome.rule, [one.partition(":")[0] for one in outcome.sentence.split("; ")]) == (
        "decay",
        ["decay", "slice_decay", "drift"],
    )
