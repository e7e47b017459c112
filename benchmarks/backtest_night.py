"""What a night costs beside the bare calls.

One policy, in one process: never, so that there are nights only; and weekly retraining with the gates. The time is that of the
processor, without the calls of the estimator's `fit` and `predict`. *Night*: the mean of all nights after the first one:
extract, expectations, faults, profile, predictions, labels, drift, decay, decision. *Retraining*: what the first one and the
weekly ones cost beside that, with the challenger written, tried and judged. *Again*: the same walk when all was found before. The
fit says how fast the processor was: on a virtual machine whose neighbours were busy it took up to 200 ms of bike_hourly, not 107,
and a night 57 to 82 ms.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sets
from backtest_run import Asked, reading, within
from backtest_timed import timed

from perennial.backtest.policies import Policy, never, periodic
from perennial.backtest.shelf import Shelf
from perennial.backtest.walk import Walk, walking
from perennial.definition.models import Definition
from perennial.testing import InlineWorkshop

HEAD = (
    "| set | nights | night, ms | goal 50 ms | retraining, ms | its fit, ms | again, ms a night |",
    "| --- | ---: | ---: | --- | ---: | ---: | ---: |",
)
SETS = ("bike_hourly", "elec2", "bank_marketing")
NIGHTS = 42


def measure(name: str, asked: Asked) -> list[str]:
    """Return one row."""
    own, nights = sets.definition(name), asked.nights or NIGHTS
    with TemporaryDirectory(dir=asked.work) as folder:
        (first, *quiet), _, _ = _walked(own, never(), name, asked, Path(folder) / "never", nights)
        weekly, fits, retrained = _walked(own, periodic(own, "weekly", gated=True), name, asked, Path(folder) / "weekly", nights)
        again, _, _ = _walked(own, never(), name, asked, Path(folder) / "never", nights)
    night, later = float(np.mean(quiet)), retrained - 1
    retraining = (sum(weekly) - first - night * (nights - 1)) / max(later, 1)
    told = "met" if night <= 0.05 else "**missed**"
    cells = (name, nights, _ms(night), told, _ms(retraining), _ms(fits / retrained), _ms(float(np.mean(again[1:]))))
    return [f"| {' | '.join(map(str, cells))} |"]


def _walked(own: Definition, policy: Policy, name: str, asked: Asked, folder: Path, nights: int) -> tuple[list[float], float, int]:
    """Return what each night took beside the bare calls, what the fits took, in seconds, and how many models were trained."""
    folder.mkdir(exist_ok=True)
    bare: dict[str, float] = {}
    span, shop = within(name, nights), InlineWorkshop()
    with (
        reading(name, asked, folder) as read,
        timed(bare),
        walking(own, [policy], span, read, shelf=Shelf(folder / "cache"), workshops=[shop]) as walk,
    ):
        took = list(_beside(walk, bare))
        return took, bare.get("fit", 0.0), len(walk.lanes[0].retrainings)


def _beside(walk: Walk, bare: dict[str, float]) -> Iterator[float]:
    """Yield what each night took beside the bare calls."""
    began = time.process_time() - sum(bare.values())
    for _ in walk.rounds():
        now = time.process_time() - sum(bare.values())
        yield now - began
        began = now


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"
