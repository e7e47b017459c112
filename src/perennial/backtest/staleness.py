"""The staleness curve: how much more models lose, the older they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np

from perennial.backtest.findings import Aged
from perennial.backtest.lane import TriedNight
from perennial.backtest.nightly import Nightly, quotient
from perennial.core.interval import Interval

AGES = (0.0, 4.0, 8.0, 15.0, 31.0, 61.0, 91.0, 181.0, 366.0)
"""Where the bins of ages begin, in days."""

_DAY = timedelta(days=1)
_FEWEST = 14


def staleness(nights: Mapping[str, Mapping[Interval, TriedNight]], nightly: Nightly) -> Iterator[Aged]:
    """Yield the losses by age, of ages that at least 14 nights were predicted at.

    Seasons make some nights harder than others, so each loss is also told beside the least age's on the same nights. Of several
    policies with one champion on a night one counts.

    Args:
        nights: What was told, by policy.
        nightly: The nights that they have in common.
    """
    by_age = [list({(night.version, night.loss): night for night in told}.values()) for told in _common(nights, nightly)]
    for youngest, oldest in pairwise((*AGES, np.inf)):
        picked = [[night for night in told if youngest <= age(night) < oldest] for told in by_age]
        used = np.array([bool(found) for found in picked])
        if used.sum() < _FEWEST:
            continue
        fresh = np.array([min(told, key=age).loss for told in by_age], np.float64)
        rows = np.array([max(night.labelled for night in told) for told in by_age], np.float64)
        losses = np.array([np.mean([night.loss for night in found]) if found else 0.0 for found in picked])
        sums, weights, blocks = (losses * rows)[used], rows[used], nightly.blocks[used]
        yield Aged(
            youngest=youngest,
            oldest=None if np.isinf(oldest) else oldest,
            nights=int(used.sum()),
            loss=nightly.told(quotient(sums, weights, blocks), np.unique(blocks).size),
            beside_freshest=nightly.told(quotient(sums, (fresh * rows)[used], blocks), np.unique(blocks).size),
        )


def age(night: TriedNight) -> float:
    """Return how long before the night's end the champion's knowledge ends, in days."""
    return (night.interval.end - night.known) / _DAY if night.known else np.inf


def _common(nights: Mapping[str, Mapping[Interval, TriedNight]], nightly: Nightly) -> Sequence[list[TriedNight]]:
    return [[told[at] for told in nights.values()] for at in nightly.nights]
