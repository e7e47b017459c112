"""Policies side by side.

By the definitions in `benchmarks/backtests`: labels come a day late, and a week is held out, or two. In brackets are 95 %
intervals. *Of the best* is the gain over never retraining, and the retrainings, as a share of those of the periodic policy that
loses least. *Swaps* are challengers that became champion. The definitions differ little (a loss that rose by 10 %, or 25 % of the
taxis; at most one retraining in 14 days), but they were written with these histories in sight, and windows are those known to be
the best: the table tells what such a policy can do, not that it would have been found beforehand. One choice more matters: without
day and month the bank's full policy reaches 82 % of the gain of a periodic one that is itself a little better (0.336).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc
import sets
from backtest_run import DAY, KNOWN, Asked, found

from perennial.backtest.findings import Findings, TriedPolicy
from perennial.backtest.policies import Policy, Simplicity, full, never, periodic, standard
from perennial.core.receipts import Estimate
from perennial.definition.models import Definition, Window

HEAD = (
    "| set | policy | loss a row | gain over never | figure | retrained | swaps | of the best: gain, retrainings |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)
SETS = tuple(KNOWN)
EVENT = "nab_window"
"""The column that is 1 around an event that is known."""


def measure(name: str, asked: Asked) -> list[str]:
    """Return a row for each policy, and what is recommended."""
    own = sets.definition(name)
    tried = list(standard(own)) if asked.usual else _few(own, name, asked.beats)
    told = found(own, name, asked, tried, draws=3 if asked.usual else 0)
    (asked.work / f"{name}.json").write_text(told.model_dump_json())
    return [*_rows(name, told), *(f"| | *{said}* | | | | | | |" for said in (_advice(told), *_at_events(name, told, asked.data)))]


def _few(own: Definition, name: str, beats: Sequence[str]) -> list[Policy]:
    """Return never, each beat on the window that is known to be the best, and the definition's own policy."""
    days, left_out = KNOWN[name].days, own.evaluation.holdout + own.label.delay
    window = None if days is None else Window(kind="sliding", length=days * DAY + left_out)
    return [never(), *(periodic(own, beat, window, gated=False) for beat in beats), full(own)]


def _rows(name: str, told: Findings) -> Iterator[str]:
    beats = [one for one in told.policies if one.policy.simplicity is Simplicity.PERIODIC]
    best = min(beats, key=lambda one: one.loss.value)
    for one in told.policies:
        figure = one.figures[KNOWN[name].figure].value
        counts = f"{one.retrainings} | {one.retrainings - one.refused}"
        cells = (name, one.policy.name, _range(one.loss), _range(one.gain), f"{figure:.4g}", counts, _beside(one, best))
        yield f"| {' | '.join(cells)} |"


def _beside(one: TriedPolicy, best: TriedPolicy) -> str:
    if one.gain is None or best.gain is None or not best.retrainings:
        return ""
    return f"{one.gain.value / best.gain.value:.0%}, {one.retrainings / best.retrainings:.0%}"


def _advice(told: Findings) -> str:
    return told.recommendation.sentence if told.recommendation else "Nothing to compare."


def _at_events(name: str, told: Findings, data: Path) -> Iterator[str]:
    """Tell of a set whose events are known how many swaps of the full policy were at one, or on the day after it."""
    rows = sets.made_ready(name, data)
    if EVENT not in rows.column_names:
        return
    days = {at.date() for at in rows.filter(pc.equal(rows.column(EVENT), 1)).column("ts").to_pylist()}
    events = sum(day - DAY not in days for day in days)
    swaps = [one.at.date() for timeline in told.timelines[-1:] for one in timeline.retrainings[1:] if one.promoted]
    found = sum(bool(days & {day, day - DAY}) for day in swaps)
    which = ", ".join(map(str, swaps))
    yield f"{found} of its swaps ({which}) were at one of the {events} events that are known, or on the day after."


def _range(figure: Estimate | None) -> str:
    if figure is None:
        return ""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4g}"
    return f"{figure.value:.4g} ({figure.low:.4g} to {figure.high:.4g})"
