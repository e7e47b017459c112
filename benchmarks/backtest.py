"""Backtests of public sets: what their own table says is found again, and how fast, beside a plain loop.

    python benchmarks/backtest.py --data FOLDER [--sets bike_hourly,elec2] [--parts reproduce,policies,speed] [--nights 60]

*reproduce* finds the figures of never, periodic and expanding retraining that are known of each set. *policies* tries the usual
policies. *speed* runs eight policies through the first nights, once together and once each by itself.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sets

import perennial.steps.fitted as fitted_module
import perennial.steps.scoring.models as models_module
import perennial.steps.scoring.scored_rows as scored_module
from perennial.backtest.backtest import backtest
from perennial.backtest.chronicle import Chronicle
from perennial.backtest.findings import Findings, TriedPolicy
from perennial.backtest.history import History
from perennial.backtest.lane import Lane, TriedNight
from perennial.backtest.memo import drafting
from perennial.backtest.policies import Policy, full, never, periodic, standard, triggered
from perennial.backtest.replay import replay
from perennial.backtest.shared_training import waived
from perennial.backtest.shelf import Shelf
from perennial.backtest.walk import settled, walking
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation
from perennial.core.scratch import temporary_folder
from perennial.definition.calendar import midnight
from perennial.definition.calendar import nights as nights_of
from perennial.definition.models import Definition, Window
from perennial.ports import Stores, Workshop
from perennial.steps.evaluate import evaluate
from perennial.steps.loop import Steps
from perennial.testing import InlineWorkshop, MemoryArtifacts, MemorySource
from perennial.wiring import Reading, new_workshop

DATA = "PERENNIAL_REAL_DATA"
KEY = b"the key of benchmarks, 32 bytes."
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Known:
    """What is known of a set: where the first fifth of its rows ends, its figure, and what that is under three policies."""

    first: datetime
    figure: str
    never: float
    beat: str
    days: int | None
    periodic: float
    expanding: float | None


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")


KNOWN = {
    "bike_hourly": Known(_at("2011-05-29"), "mae", 71.6, "weekly", 60, 36.3, 55.1),
    "elec2": Known(_at("1996-11-11"), "roc_auc", 0.691, "weekly", 90, 0.821, 0.812),
    "bank_marketing": Known(_at("2008-06-05"), "roc_auc", 0.497, "weekly", 90, 0.762, 0.746),
    "metro_traffic": Known(_at("2013-10-24"), "mae", 308, "weekly", None, 281, 281),
    "beijing_pm25": Known(_at("2011-01-01"), "mae", 50.5, "weekly", None, 46.8, 46.8),
    "nyc_taxi_halfhourly": Known(_at("2014-08-13"), "mae", float("nan"), "weekly", None, float("nan"), None),
}
"""From a script without labels that come late and without a holdout, each policy fitted on all rows up to the day."""


def reproduce(name: str, data: Path, work: Path, processes: int) -> list[str]:
    """Return what is known of a set beside what a backtest finds; labels come at once, and one day is held out."""
    known, own = KNOWN[name], sets.definition(name)
    at_once = own.model_copy(
        update={
            "label": own.label.model_copy(update={"delay": timedelta(minutes=1)}),
            "evaluation": own.evaluation.model_copy(update={"holdout": DAY}),
        }
    )
    growing = Window(kind="expanding")
    window = growing if known.days is None else Window(kind="sliding", length=(known.days + 1) * DAY)
    tried = {
        "never": (never().model_copy(update={"window": growing}), known.never),
        f"{known.beat}, {known.days or 'expanding'}": (periodic(own, known.beat, window, gated=False), known.periodic),
    }
    if known.expanding is not None and known.days is not None:
        tried["weekly, expanding"] = (periodic(own, "weekly", growing, gated=False), known.expanding)
    found = _found(at_once, name, data, work, [policy for policy, _ in tried.values()], processes)
    lines = []
    for (title, (_, expected)), one in zip(tried.items(), found.policies, strict=True):
        figure = one.figures[known.figure].value
        apart = 100 * (figure / expected - 1)
        lines.append(f"| {name} | {title} | {known.figure} | {expected:g} | {figure:.4g} | {apart:+.1f} % | {one.retrainings} |")
    return lines


def policies(name: str, data: Path, work: Path, processes: int, *, few: bool = False) -> list[str]:
    """Return a row for each of the usual policies; or for the first model, weekly retraining and the full policy alone."""
    own = sets.definition(name)
    tried = [never(), periodic(own, "weekly", gated=False), full(own)] if few else list(standard(own))
    found = _found(own, name, data, work, tried, processes, draws=0 if few else 3)
    lines = [f"| {name} | {_row(one, KNOWN[name].figure)} |" for one in found.policies]
    advice = found.recommendation.sentence if found.recommendation else "nothing to compare"
    (work / f"{name}.json").write_text(found.model_dump_json())
    return [*lines, f"| {name} | *{advice}* | | | | | | |"]


def _row(one: TriedPolicy, figure: str) -> str:
    loss, gain, other = one.loss, one.gain, one.figures.get(figure)
    apart = "" if gain is None else f"{gain.value:.4g} ({_number(gain.low)} to {_number(gain.high)})"
    counts = f"{one.retrainings} | {one.refused} | {one.alarms}"
    return f"{one.policy.name} | {loss.value:.4g} | {apart} | {other.value if other else float('nan'):.4g} | {counts}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"


def _found(
    definition: Definition,
    name: str,
    data: Path,
    work: Path,
    tried: Sequence[Policy],
    processes: int,
    *,
    nights: int | None = None,
    draws: int = 0,
) -> Findings:
    rows = sets.made_ready(name, data)
    source, first = MemorySource({f"{name}.parquet": rows}), KNOWN[name].first
    end = midnight(definition.schedule.end, "UTC") if definition.schedule.end else first
    within = Interval(first, end if nights is None else min(end, first + nights * DAY))
    reading = Reading(source=lambda _: source, signing_key=KEY, scratch=work)
    with ExitStack() as opened:
        workshops = [InlineWorkshop()]
        if processes > 1:
            workshops = [opened.enter_context(closing(new_workshop())) for _ in range(processes)]
        return backtest(definition, tried, within, reading, shelf=Shelf(work / "cache"), workshops=workshops, draws=draws)


def speed(name: str, data: Path, work: Path, processes: int, *, nights: int = 30) -> list[str]:
    """Return how long eight policies take on the first nights together, and each by itself, and whether they find the same."""
    own = sets.definition(name)
    tried = [
        never(),
        *(periodic(own, beat, gated=gated) for beat in ("weekly", "nightly") for gated in (True, False)),
        triggered(own, "drift"),
        triggered(own, "decay"),
        full(own),
    ]
    within = Interval(KNOWN[name].first, KNOWN[name].first + nights * DAY)
    source = MemorySource({f"{name}.parquet": sets.made_ready(name, data)})
    bare: dict[str, float] = {}
    with TemporaryDirectory(dir=work) as folder, timed(bare):
        reading = Reading(source=lambda _: source, signing_key=KEY, scratch=Path(folder))
        plainly: dict[str, Lane] = {}
        alone = _cpu(lambda: plainly.update(plain(own, tried, within, reading)))
        bare_alone = dict(bare)
        bare.clear()
        with ExitStack() as opened:
            workshops = [InlineWorkshop()]
            if processes > 1:
                workshops = [opened.enter_context(closing(new_workshop())) for _ in range(processes)]
            lanes: dict[str, Lane] = {}
            shelf = Shelf(Path(folder) / "cache")
            together = _cpu(lambda: lanes.update(_together(own, tried, within, reading, shelf, workshops)))
    apart = [policy for policy in plainly if _told(lanes[policy]) != _told(plainly[policy])]
    fits = sum(len(lane.retrainings) for lane in lanes.values())
    overhead = 1000 * (together[0] - bare.get("fit", 0.0) - bare.get("predict", 0.0)) / nights
    cells = [
        name,
        nights,
        fits,
        f"{alone[0]:.1f} ({alone[1]:.1f})",
        f"{together[0]:.1f} ({together[1]:.1f})",
        f"{alone[0] / together[0]:.2f}",
        "the same" if not apart else f"**others: {', '.join(apart)}**",
        f"{bare_alone['fit']:.1f} + {bare_alone['predict']:.1f}",
        f"{bare.get('fit', 0):.1f} + {bare.get('predict', 0):.1f}",
        f"{overhead:.0f} / {overhead / len(tried):.0f}",
    ]
    return [f"| {' | '.join(map(str, cells))} |"]


def _told(lane: Lane) -> list[TriedNight]:
    """Return all that was found of each night; a version is named by its definition, of which a policy is a part."""
    return [night.model_copy(update={"version": None}) for night in lane.nights.values()]


def plain(definition: Definition, tried: Sequence[Policy], within: Interval, reading: Reading) -> dict[str, Lane]:
    """Run each policy by itself, by the very steps, in memory and in this process."""
    lanes = {}
    for policy in tried:
        with temporary_folder(reading.scratch) as folder:
            ledger = Chronicle(settled=settled(definition, within))
            stores = Stores(
                source=reading.source,
                artifacts=MemoryArtifacts(),
                ledger=ledger,
                signing_key=KEY,
                scratch=folder,
                workshop=InlineWorkshop(),
            )
            begun = Interval(midnight(definition.schedule.start, "UTC"), within.end)
            history = History.extracted(definition, begun, stores, folder)
            stores = replace(stores, source=lambda _, history=history: history)
            applied = policy.applied(definition)
            events = replay(applied, within, stores, also_at=(within.start,), steps=_judging(policy, within))
            lane = Lane(policy, applied, stores, ledger, events, folder / "pairs.bin")
            for night in nights_of(definition.schedule, within):
                lane.advance(night)
                lane.settle(night.end)
                _let_go(ledger, night.start - 2 * settled(definition, within))
            lane.finish()
            lane.settle(within.end + 2 * settled(definition, within))
            lanes[policy.name] = lane
    return lanes


def _judging(policy: Policy, within: Interval) -> Steps:
    """Return the steps, with an evaluation that passes every challenger of a policy without a gate, and every first one."""

    def judged(definition: Definition, window: Interval, stores: Stores, **receipts: Any) -> Evaluation:  # noqa: ANN401 - the step's
        if policy.gated and window.end != within.start:
            return evaluate(definition, window, stores, **receipts)
        return stores.ledger.record(waived(evaluate(definition, window, drafting(stores), **receipts)))

    return Steps(evaluate=judged)


def _let_go(ledger: Chronicle, before: datetime) -> None:
    outcomes = ledger.records.outcomes
    for key in [key for key in outcomes if key[2] < before]:
        del outcomes[key]


def _together(
    definition: Definition, tried: Sequence[Policy], within: Interval, reading: Reading, shelf: Shelf, workshops: Sequence[Workshop]
) -> dict[str, Lane]:
    with walking(definition, tried, within, reading, shelf=shelf, workshops=workshops) as walk:
        list(walk.rounds())
        return {lane.policy.name: lane for lane in walk.lanes}


def _cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of CPU, of this process and its children, and those on the clock."""
    began, clock = os.times(), time.perf_counter()
    work()
    ended = os.times()
    return sum(ended[:4]) - sum(began[:4]), time.perf_counter() - clock


@contextmanager
def timed(bare: dict[str, float]) -> Iterator[None]:
    """Add up the seconds of CPU of the bare calls that fit and predict, where they are made in this process."""

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
            began = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                bare[name] = bare.get(name, 0.0) + time.process_time() - began

        return call

    places = [(fitted_module, "fit", "fit"), *((module, "raw_predictions", "predict") for module in (scored_module, models_module))]
    own = [(module, attribute, getattr(module, attribute)) for module, attribute, _ in places]
    for module, attribute, name in places:
        setattr(module, attribute, counted(name, getattr(module, attribute)))
    try:
        yield
    finally:
        for module, attribute, function in own:
            setattr(module, attribute, function)


PARTS = {"speed": speed, "reproduce": reproduce, "policies": policies, "few": partial(policies, few=True)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts, and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get(DATA), help=f"folder with the sets; else {DATA}")
    parser.add_argument("--sets", default="", help="names, by commas")
    parser.add_argument("--parts", default="reproduce", help="names, by commas")
    parser.add_argument("--work", type=Path, help="folder for what is kept between calls")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args(arguments)
    if asked.data is None or not asked.data.is_dir():
        raise SystemExit(f"no folder with the sets: --data, or {DATA}")
    with ExitStack() as stack:
        work = asked.work or Path(stack.enter_context(TemporaryDirectory()))
        work.mkdir(parents=True, exist_ok=True)
        for part in asked.parts.split(","):
            for name in asked.sets.split(",") if asked.sets else sets.names():
                began = time.process_time()
                print("\n".join(PARTS[part](name, asked.data, work, asked.processes)), flush=True)
                print(f"  {part} {name}: {time.process_time() - began:.0f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
