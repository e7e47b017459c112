"""The recommendation: a policy that is surely better than every simpler one, or the simplest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perennial.backtest.findings import TriedPolicy
from perennial.backtest.lane import TriedNight
from perennial.backtest.nightly import side_by_side
from perennial.backtest.policies import Policy, full, never, periodic
from perennial.backtest.recommend import recommend
from perennial.core.receipts import Action
from perennial.definition.models import Definition
from perennial.testing.story import night

NIGHTS = 140
RNG = np.random.default_rng(5)
HARD = RNG.uniform(20, 40, NIGHTS)


def found(definition: Definition, gains: dict[str, float], policies: list[Policy], retrainings: dict[str, int]) -> Any:
    """Return the recommendation where each policy is better than never by so much on the mean, and differs by 2 a night."""
    losses = {
        one.name: HARD - gains.get(one.name, 0.0) + (np.random.default_rng(number).normal(0, 2, NIGHTS) if number else 0.0)
        for number, one in enumerate(policies)
    }
    nightly = side_by_side(
        {
            name: {
                night(at): TriedNight(interval=night(at), action=Action.KEEP, loss=float(loss), labelled=24)
                for at, loss in enumerate(told)
            }
            for name, told in losses.items()
        },
        {name: [] for name in losses},
    )
    tried = [
        TriedPolicy(
            policy=one,
            loss=nightly.told(nightly.mean(one.name)),
            figures={},
            worst=0.0,
            retrainings=retrainings.get(one.name, 0),
            refused=0,
            alarms=0,
            faults=0,
            seconds=0.0,
            cost=None,
        )
        for one in policies
    ]
    return recommend(definition, tried, nightly)


@pytest.fixture
def policies(definition: Definition) -> list[Policy]:
    """Never, monthly, weekly without a gate, and the full policy."""
    return [never(), periodic(definition, "monthly", gated=True), periodic(definition, "weekly", gated=False), full(definition)]


def test_an_advantage_inside_the_noise_is_not_recommended(definition: Definition, policies: list[Policy]) -> None:
    """The full policy looks better by a tenth, which differences of 2 a night explain."""
    assert found(definition, {"full policy": 0.1}, policies, {}).policy == "never"


def test_a_sure_advantage_is_recommended(definition: Definition, policies: list[Policy]) -> None:
    """Monthly is better than never by five; full is no better than monthly, which is simpler."""
    gains = {"monthly": 5.0, "full policy": 5.1}

    assert found(definition, gains, policies, {"monthly": 5, "full policy": 9}).policy == "monthly"


def test_a_policy_without_a_gate_is_never_recommended(definition: Definition, policies: list[Policy]) -> None:
    """No definition could ask for it."""
    assert found(definition, {"weekly, no gate": 9.0}, policies, {}).policy == "never"


def test_the_sentence_tells_the_gain_with_its_interval(definition: Definition, policies: list[Policy]) -> None:
    """A figure without one says nothing of what next year brings."""
    sentence = found(definition, {"full policy": 5.0}, policies, {"full policy": 3}).sentence

    assert sentence.startswith("Take full policy: against never it saves 4.989 (4.642 to 5.336)")
    assert sentence.endswith("of loss a row, with 3 retrainings.")


def test_the_lines_are_those_of_the_policy(definition: Definition, policies: list[Policy]) -> None:
    """They can be put into the definition as they stand: a cron for the beat, and a cooldown that a definition may have."""
    lines = found(definition, {"monthly": 5.0}, policies, {"monthly": 5}).lines

    assert lines == (
        'schedule:\n  retrain: "0 0 1 * *"\n  window:\n    kind: sliding\n    length: 21d\n'
        "retraining:\n  causes: []\n  cooldown: 1d\n  breaker: 100\n"
    )
