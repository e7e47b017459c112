"""What a policy is held against: the trivial model, the best policy in hindsight, and retraining at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np

from perennial.backtest.findings import Control, TriedPolicy
from perennial.backtest.lane import TriedNight
from perennial.backtest.nightly import Nightly, quotient
from perennial.backtest.policies import Policy, Simplicity, still
from perennial.core.interval import Interval

RANDOM = "random"


def at_random(like: Policy, count: int, nights: Sequence[Interval], *, times: int, seed: int) -> list[Policy]:
    """Return policies that retrain *count* times at the ends of nights drawn at random, otherwise like another one.

    Args:
        like: The other one, whose window and gates they have.
        count: How often it retrained.
        nights: Those that were walked through.
        times: How many policies to draw.
        seed: Of what is drawn.
    """
    ends = [night.end for night in nights[:-1]]
    rng, drawn = np.random.default_rng([seed, count]), min(count, len(ends))
    return [
        Policy(
            name=f"{RANDOM} {number}",
            window=like.window,
            retraining=still(),
            gated=like.gated,
            at=tuple(_moments(ends, rng.choice(len(ends), drawn, replace=False))),
            simplicity=Simplicity.TRIGGERED,
        )
        for number in range(1, times + 1)
    ]


def randomly(tried: Sequence[TriedPolicy], like: TriedPolicy) -> Control:
    """Return the control of what policies that retrained at random lost, on the mean, each beside its interval."""
    losses = [one.loss.value for one in tried]
    middle = sorted(tried, key=lambda one: one.loss.value)[len(tried) // 2]
    return Control(
        name="at random",
        loss=middle.loss.model_copy(update={"value": float(np.mean(losses))}),
        retrainings=like.retrainings,
        sentence=f"as many retrainings as {like.policy.name}, on nights drawn at random; the mean of {len(tried)} draws",
    )


def trivial(nights: Mapping[str, Mapping[Interval, TriedNight]], nightly: Nightly, policy: TriedPolicy, baseline: str) -> Control:
    """Return the control of the trivial model, as it was fitted anew with every retraining of *policy*."""
    told = nights[policy.policy.name]
    losses = np.array([told[at].baseline or 0.0 for at in nightly.nights], np.float64)
    rows = nightly.rows[policy.policy.name]
    return Control(
        name=f"{baseline} baseline",
        loss=nightly.told(quotient(losses * rows, rows, nightly.blocks)),
        retrainings=policy.retrainings,
        sentence=f"the trivial model, fitted anew with every retraining of {policy.policy.name}",
    )


def hindsight(tried: Sequence[TriedPolicy]) -> Control:
    """Return the control of whoever had known which policy would lose least."""
    best = min(tried, key=lambda one: one.loss.value)
    return Control(
        name="best in hindsight",
        loss=best.loss,
        retrainings=best.retrainings,
        sentence=f"{best.policy.name}, which nobody knew before",
    )


def _moments(ends: Sequence[datetime], positions: Sequence[int] | np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[datetime]:
    yield from sorted(ends[int(position)] for position in positions)
