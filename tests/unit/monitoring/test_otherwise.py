"""What would have changed a decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.receipts import Signal, SignalState
from perennial.monitoring.decision.otherwise import otherwise
from perennial.monitoring.decision.policy import Facts, decide

DAY = timedelta(days=1)
ALARM, QUIET, INSUFFICIENT = SignalState.ALARM, SignalState.QUIET, SignalState.INSUFFICIENT
CHANGED = datetime(2024, 12, 26, tzinfo=UTC)


def signal(kind: str, state: SignalState, value: float | None, threshold: float | None, since: datetime | None = None) -> Signal:
    """Return a signal named after its kind."""
    return Signal(name=kind, kind=kind, state=state, value=value, threshold=threshold, n=100, since=since, sentence="as measured")


DECAYED = signal("decay", ALARM, 812.0, 365.0)
RISING = signal("decay", QUIET, 120.0, 365.0)
DRIFTED = signal("drift", ALARM, 0.31, 0.25)
STILL = signal("drift", QUIET, 0.01, 0.25)
QUIET_NIGHT = Facts(data_fault=None, champion_age=30 * DAY, rows=1000, minimum_rows=20, signals=(RISING, STILL), refused_in_a_row=0)


@dataclass(frozen=True)
class Rules:
    """A policy as a definition would give it."""

    causes: tuple[str, ...] = ("decay",)
    cooldown: timedelta = 7 * DAY
    max_per_30d: int | None = 3
    max_age: timedelta | None = None
    min_age: timedelta | None = 3 * DAY
    breaker: int = 3
    fresh: timedelta | None = None


def test_a_quiet_night_says_what_each_signal_would_have_had_to_be() -> None:
    """The one that would retrain first."""
    assert otherwise(QUIET_NIGHT, Rules()) == (
        "decay: at 365 (120 was measured) the night would ask for a retraining",
        "drift: at 0.25 (0.01 was measured) the night would be watched",
    )


def test_evidence_that_grows_says_after_how_many_more_nights_like_the_last() -> None:
    """From 95 to 120 in a night is a factor of 1.25 on one more than there was: 151, 190, 239, 300, 376."""
    facts = replace(QUIET_NIGHT, before={"decay": 95.0, "drift": 0.001})
    assert otherwise(facts, Rules())[0] == (
        "decay: at 365 (120 was measured), after about 5 more nights like the last, the night would ask for a retraining"
    )


@pytest.mark.parametrize("before", [{"decay": 400.0}, {}])
def test_evidence_that_falls_says_nothing_of_nights(before: dict[str, float]) -> None:
    """It would never get there. Nor does evidence of which the night before is not known."""
    facts = replace(QUIET_NIGHT, before=before)
    assert otherwise(facts, Rules())[0] == "decay: at 365 (120 was measured) the night would ask for a retraining"


def test_a_retraining_says_what_would_have_kept_the_champion() -> None:
    """The one alarm gone."""
    assert otherwise(replace(QUIET_NIGHT, signals=(DECAYED, STILL)), Rules()) == (
        "decay: below 365 (812 was measured) the night would keep the champion",
    )


def test_a_watched_night_says_what_would_have_retrained_and_what_kept() -> None:
    """Both ways."""
    assert otherwise(replace(QUIET_NIGHT, signals=(RISING, DRIFTED)), Rules()) == (
        "decay: at 365 (120 was measured) the night would ask for a retraining",
        "drift: below 0.25 (0.31 was measured) the night would keep the champion",
    )


def test_causes_that_stand_in_for_each_other_are_named_together() -> None:
    """Without either one alone, the other would still ask."""
    facts = replace(QUIET_NIGHT, signals=(DECAYED, DRIFTED))
    assert otherwise(facts, Rules(causes=("decay", "drift"))) == (
        "without the alarms of decay and drift the night would keep the champion",
    )


def test_a_champion_that_is_too_old_says_which_would_not_be() -> None:
    """Alone, and beside an alarm that would ask as well."""
    old = replace(QUIET_NIGHT, champion_age=61 * DAY, signals=(STILL,))
    assert otherwise(old, Rules(max_age=60 * DAY)) == (
        "with a champion that is at most 60 days old the night would keep the champion",
    )
    assert otherwise(replace(old, signals=(DECAYED,)), Rules(max_age=60 * DAY)) == (
        "without the alarm of decay and with a champion that is at most 60 days old the night would keep the champion",
    )


def test_an_alarm_whose_figure_is_below_its_threshold_is_another_tests() -> None:
    """Values never seen before alarm beside a small PSI."""
    facts = replace(QUIET_NIGHT, signals=(RISING, signal("drift", ALARM, 0.1, 0.25)))
    assert otherwise(facts, Rules())[1] == "drift: without its alarm the night would keep the champion"


def test_a_signal_without_evidence_says_so() -> None:
    """It has no figure to compare. Only what would retrain is worth the words."""
    facts = replace(QUIET_NIGHT, signals=(signal("decay", INSUFFICIENT, None, 365.0), signal("drift", INSUFFICIENT, None, None)))
    assert otherwise(facts, Rules()) == (
        "decay: with an alarm, for which there is not enough evidence yet, the night would ask for a retraining",
    )


def test_a_data_fault_says_what_the_night_would_have_been_without_it() -> None:
    """Which may be anything."""
    facts = replace(QUIET_NIGHT, data_fault="999 degrees", signals=(DECAYED,))
    assert otherwise(facts, Rules()) == ("without the data fault, or once it is released, the night would ask for a retraining",)


@pytest.mark.parametrize(
    ("facts", "rules", "said"),
    [
        (replace(QUIET_NIGHT, rows=19), Rules(), "with 1 more row the night would keep the champion"),
        (replace(QUIET_NIGHT, champion_age=None), Rules(), "with a champion the night would keep the champion"),
        (
            replace(QUIET_NIGHT, champion_age=None, retired="by ana: no more bikes"),
            Rules(),
            "if the model were brought back the night would keep the champion",
        ),
        (
            replace(QUIET_NIGHT, signals=(DECAYED,), champion_age=DAY),
            Rules(),
            "in 2 days, when the champion is 3 days old, the night would ask for a retraining",
        ),
        (
            QUIET_NIGHT,
            Rules(max_age=32 * DAY),
            "in 2 days, when the champion is more than 32 days old, the night would ask for a retraining",
        ),
        (
            replace(QUIET_NIGHT, signals=(DECAYED,), refused_in_a_row=3),
            Rules(),
            "once a challenger passes, or a person promotes one or rolls back, the night would ask for a retraining",
        ),
        (
            replace(QUIET_NIGHT, signals=(DECAYED,), refused_in_a_row=1, answers_refused=1, since_answer=10 * DAY),
            Rules(),
            "in 4 days, when 14 days have passed since the last request, the night would ask for a retraining",
        ),
        (
            replace(QUIET_NIGHT, signals=(signal("decay", ALARM, 812.0, 365.0, CHANGED),), trained_until=CHANGED + 2 * DAY),
            Rules(fresh=5 * DAY),
            "in 3 days, when a retraining would be fitted on 5 days since the change, the night would ask for a retraining",
        ),
    ],
)
def test_what_stands_in_the_way_says_when_it_ends(facts: Facts, rules: Rules, said: str) -> None:
    """It comes first."""
    assert otherwise(facts, rules)[0] == said


SIGNALS = st.lists(
    st.builds(
        signal,
        st.sampled_from(["decay", "drift", "baseline"]),
        st.sampled_from(list(SignalState)),
        st.none() | st.floats(0, 1000),
        st.none() | st.floats(0, 1000),
    ),
    max_size=3,
    unique_by=lambda one: one.name,
)
FACTS = st.builds(
    Facts,
    data_fault=st.none() | st.just("999 degrees"),
    champion_age=st.none() | st.integers(0, 100).map(lambda age: age * DAY),
    rows=st.sampled_from([0, 19, 20, 1000]),
    minimum_rows=st.just(20),
    signals=SIGNALS,
    refused_in_a_row=st.integers(0, 4),
    answers_refused=st.integers(0, 3),
    since_answer=st.none() | st.integers(0, 40).map(lambda age: age * DAY),
)


@given(FACTS, st.sampled_from([("decay",), ("decay", "drift"), ()]))
def test_no_change_is_told_that_ends_in_the_same_decision(facts: Facts, causes: tuple[str, ...]) -> None:
    """Nor one that nobody could make: every night that is not kept for want of anything has at least one, each of them once."""
    rules = Rules(causes=causes, max_age=60 * DAY)
    would = {
        "quarantine": "would go into quarantine",
        "retrain": "would ask for a retraining",
        "watch": "would be watched",
        "keep": "would keep the champion",
    }
    outcome, said = decide(facts, rules), otherwise(facts, rules)
    assert len(set(said)) == len(said)
    assert not [one for one in said if outcome.action.value in would and one.endswith(would[outcome.action.value])]
    if outcome.action.value != "keep":
        assert said
