"""A night's rows on Spark beside one machine: checks, predictions and their publication, the cost of a part, and parallel COPY.

Spark is ``local[2]`` on the same two cores. Seconds are those of the step with its publication, when models are loaded and
Spark has started: its start is told by itself.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from data import World
from measure import Clock, Outcome, Stage, Variant, once

TIMES = (1, 10)
PUBLISHED = "published"
"""A state whose predictions are what is copied."""

COPIES = (1, 2, 4)
PARTS = (1, 4, 16, 64)
MASTER = "local[2]"
SPARK = "on Spark"
ENGINES = ("here", "in threads", "in processes", SPARK)


def validate(world: World, clock: Clock, *, on: str) -> Mapping[str, float]:
    """Check the night."""
    import product

    from perennial.steps import validate as module

    with _stores(world, on) as (definition, night, stores):
        snapshot = product.snapshot_of(stores)
        with _clocked(clock) as together:
            validation = module.validate(definition, night, stores, snapshot=snapshot)
    return {"refused": validation.quarantined, "cpu": together.cpu, "peak": together.peak}


def predict(world: World, clock: Clock, *, on: str) -> Mapping[str, float]:
    """Predict the night, and publish it."""
    import product

    from perennial.steps import predict as module

    with _stores(world, on) as (definition, night, stores):
        snapshot, validation = product.snapshot_of(stores), product.validation_of(stores)
        with _clocked(clock) as together:
            predicted = module.predict(definition, night, stores, snapshot=snapshot, validation=validation)
    return {"predicted": predicted.batches[0].rows, "cpu": together.cpu, "peak": together.peak}


def parts(world: World, clock: Clock) -> Mapping[str, float]:
    """Tell what Spark takes to start, and for parts with which nothing is done."""
    with _opened(world, SPARK) as stores:
        with clock("start"):
            stores.engine.map(Nothing(), range(1))
        for count in PARTS:
            with clock(f"{count} parts"):
                stores.engine.map(Nothing(), range(count))
    return {}


def copies(world: World, clock: Clock) -> Mapping[str, float]:
    """Publish the predictions of the night over 1, 2 and 4 connections at the same time."""
    import product

    with product.opened(world, PUBLISHED) as stores:
        batch = stores.ledger.history(_batch_kind(), "bench")[0]
        table = stores.ledger.predictions("bench", role=batch.role, within=batch.interval).drop(["version", "batch"])
    for count in COPIES:
        step = -(-table.num_rows // count)
        streams = [iter(table.slice(start, step).to_batches(100_000)) for start in range(0, table.num_rows, step)]
        with product.started_from(world, product.VALIDATED) as stores, _clocked(clock, f"{count} connections"):
            stores.ledger.publish(batch, *streams)
    return {"rows": table.num_rows}


def prepare(world: World) -> None:
    """Make the states that runs start from, each with a ledger of its own: the night checked, and the night published."""
    import product

    from perennial.steps.predict import predict as published

    product.prepare(world)
    product.copy_state(world, product.VALIDATED, PUBLISHED)
    with product.opened(world, PUBLISHED) as stores:
        snapshot, validation = product.snapshot_of(stores), product.validation_of(stores)
        published(product.definition(world), product.NIGHT, stores, snapshot=snapshot, validation=validation)


STAGE = Stage(
    name="engines",
    title="a night on Spark",
    variants={
        **{
            f"{step.__name__} {on}": Variant(title=f"{step.__name__} {on}", function=partial(step, on=on), venv="")
            for step in (validate, predict)
            for on in ENGINES
        },
        **{one.__name__: Variant(title=one.__name__, function=one, venv="") for one in (parts, copies)},
    },
    prepare=prepare,
)


class Nothing:
    """Does nothing with a part."""

    def __call__(self, part: int, tools: object) -> bytes:
        """Return nothing."""
        del part, tools
        return b""


@dataclass(frozen=True, slots=True)
class Ready:
    """Imports what checks and predictions need, and loads the champion, so that neither is in what is measured."""

    manifest: str

    def __call__(self, part: int, tools: Any) -> bytes:  # noqa: ANN401 - Perennial may not be imported here
        """Return nothing, after long enough for the other parts to be taken by other processes."""
        import time

        from perennial.steps.checking import pieces
        from perennial.steps.scoring import predictions
        from perennial.steps.scoring.models import load

        del part
        load(tools, self.manifest)
        time.sleep(1)
        return f"{pieces.__name__} {predictions.__name__}".encode()


def report(rows: int, runs: int, say: Callable[[str], None]) -> list[str]:
    """Run every size, and return what is to be told as lines of Markdown."""
    lines = ["| rows | what | phase | s, median | CPU s | MB |", "| ---: | --- | --- | ---: | ---: | ---: |"]
    for times in TIMES:
        for line in _size(rows * times, -(-runs // times), say):
            lines.append(line)
            say(line)
    told = (
        "*here* is one stream; *threads*, *processes* and *Spark* work on parts, two at a time. CPU and memory are of the process "
        "and all that it started together, Java among them; not of the database's server. Ten times the rows were run a tenth as "
        "often, at least once."
    )
    return [*lines, "", told]


def _size(rows: int, runs: int, say: Callable[[str], None]) -> Iterator[str]:
    import worlds

    outcomes = {name: Outcome() for name in STAGE.variants}
    with worlds.new_world(rows, min(200_000, rows)) as world:
        worlds.load(world)
        STAGE.prepare(world)
        for _ in range(runs):
            for name, variant in STAGE.variants.items():
                once(STAGE.name, name, variant, world, outcomes[name])
                say(f"  {rows} {name}: {_last(outcomes[name])}")
    for name, outcome in outcomes.items():
        for phase, taken in outcome.taken.items():
            seconds, cpu = (statistics.median(getattr(one, what) for one in taken) for what in ("seconds", "cpu"))
            cpu, peak = outcome.answer.get("cpu", cpu), outcome.answer.get("peak")
            yield f"| {rows} | {name} | {phase} | {seconds:.2f} | {cpu:.2f} | {'' if peak is None else f'{peak:.0f}'} |"
        if outcome.reason:
            yield f"| {rows} | {name} | {outcome.reason} | | | |"


def _last(outcome: Outcome) -> str:
    return outcome.reason or ", ".join(f"{phase} {taken[-1].seconds:.2f} s".strip() for phase, taken in outcome.taken.items())


@contextmanager
def _clocked(clock: Clock, phase: str = "") -> Iterator[Any]:
    from process_tree import watched

    with watched() as together, clock(phase):
        yield together


def _batch_kind() -> Any:  # noqa: ANN401 - as above
    from perennial.core.receipts import PredictionBatch

    return PredictionBatch


@contextmanager
def _stores(world: World, on: str) -> Iterator[tuple[Any, Any, Any]]:
    """Lend the definition, the night and stores, whose engine has everything loaded."""
    import product

    from perennial.steps.champion import champion_of, version_of

    with _opened(world, on) as stores:
        champion = version_of(stores, champion_of(stores, "bench", "all", product.NIGHT))
        ready = Ready(champion.artifact)
        ready(0, stores)
        if stores.engine is not None:
            stores.engine.map(ready, range(2))
        yield product.definition(world), product.NIGHT, stores


@contextmanager
def _opened(world: World, on: str) -> Iterator[Any]:
    import product
    import side_engines

    from perennial.wiring import ExecutorTools, open_stores

    os.environ["PERENNIAL_SIGNING_KEY"] = world.key  # executors inherit it
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    run = product.new_run(world, product.VALIDATED)
    settings = product.settings(world, run)
    kinds = {"in threads": side_engines.Threads, "in processes": side_engines.Processes}
    told = {"PERENNIAL_HOME": str(settings.home), "PERENNIAL_ARTIFACTS": settings.artifacts}
    try:
        with open_stores(replace(settings, spark=MASTER if on == SPARK else None)) as stores:
            if on not in kinds:
                yield stores
                return
            with closing(kinds[on](ExecutorTools(tuple(told.items())))) as engine:
                yield replace(stores, engine=engine)
    finally:
        product.remove_run(world, run)
