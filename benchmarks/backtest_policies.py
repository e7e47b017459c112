"""Policies side by side.

By the definitions in `benchmarks/backtests`: labels come a day late, and a week is held out, or two. In brackets are 95 %
intervals. *Of the best* is the gain over never retraining, and the retrainings, as a share of those of the periodic policy that
loses least. *Swaps* are challengers that became champion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def measure(name: str, asked: Asked) -> list[str]:
    """Return a row for each policy, and what is recommended."""
    own = sets.definition(name)
    tried = list(standard(own)) if asked.usual else _few(own, name, asked.beats)
    told = found(own, name, asked, tried, draws=3 if asked.usual else 0)
    (asked.work / f"{name}.json").write_text(told.model_dump_json())
    return [*_rows(name, told), f"| | *{_advice(told)}* | | | | | | |"]


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


def _range(figure: Estimate | None) -> str:
    if figure is None:
        return ""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4g}"
    return f"{figure.value:.4g} ({figure.low:.4g} to {figure.high:.4g})"
