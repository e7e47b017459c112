"""Eight policies together, beside a plain loop for each of them.

Never; weekly and nightly, each with the gates and without; drift; decay; the full policy. The plain loop runs the same steps in
memory and in one process, extracts once for each policy, and loads a model once. Seconds of CPU, on the clock in brackets. *The
same*: every night of every policy has the same figures to the last digit.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import sets
from backtest_plain import plain
from backtest_run import Asked, cpu, reading, within, workshops
from backtest_timed import timed

from perennial.backtest.lane import Lane, TriedNight
from perennial.backtest.policies import Policy, full, never, periodic, triggered
from perennial.backtest.shelf import Shelf
from perennial.backtest.walk import walking
from perennial.core.interval import Interval
from perennial.definition.models import Definition
from perennial.wiring import Reading

HEAD = (
    "| set | nights | retrained | each by itself | together | times | goal 2 | figures | bare calls: alone, together |",
    "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | ---: |",
)
SETS = ("bike_hourly", "elec2", "bank_marketing")
NIGHTS = 30


def measure(name: str, asked: Asked) -> list[str]:
    """Return one row."""
    own, nights = sets.definition(name), asked.nights or NIGHTS
    tried, span = eight(own), within(name, nights)
    bare: dict[str, float] = {}
    with TemporaryDirectory(dir=asked.work) as folder, reading(name, asked, Path(folder)) as read, timed(bare):
        plainly, lanes = dict[str, Lane](), dict[str, Lane]()
        alone = cpu(lambda: plainly.update(plain(own, tried, span, read)))
        alone_bare = sum(bare.values())
        together = cpu(lambda: lanes.update(_together(own, tried, span, read, Shelf(Path(folder) / "cache"))))
        together_bare = sum(bare.values()) - alone_bare
    apart = [policy for policy in plainly if _told(lanes[policy]) != _told(plainly[policy])]
    times = alone[0] / together[0]
    cells = (
        name,
        nights,
        sum(len(lane.retrainings) for lane in lanes.values()),
        f"{alone[0]:.1f} ({alone[1]:.1f})",
        f"{together[0]:.1f} ({together[1]:.1f})",
        f"{times:.2f}",
        "met" if times >= 2 else "**missed**",
        "the same" if not apart else f"**others: {', '.join(apart)}**",
        f"{alone_bare:.1f}, {together_bare:.1f}",
    )
    return [f"| {' | '.join(map(str, cells))} |"]


def eight(own: Definition) -> list[Policy]:
    """Return the eight policies."""
    beats = [periodic(own, beat, gated=gated) for beat in ("weekly", "nightly") for gated in (True, False)]
    return [never(), *beats, triggered(own, "drift"), triggered(own, "decay"), full(own)]


def _together(own: Definition, tried: list[Policy], span: Interval, read: Reading, shelf: Shelf) -> dict[str, Lane]:
    with workshops(0) as shops, walking(own, tried, span, read, shelf=shelf, workshops=shops) as walk:
        list(walk.rounds())
        return {lane.policy.name: lane for lane in walk.lanes}


def _told(lane: Lane) -> list[TriedNight]:
    """Return all that was found of each night; a version is named by its definition, of which a policy is a part."""
    return [night.model_copy(update={"version": None}) for night in lane.nights.values()]
