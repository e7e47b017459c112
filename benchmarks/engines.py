"""A night's rows on Spark beside one process: checks, predictions and their publication, the cost of a part, and parallel COPY.

Spark is ``local[2]`` on the same two cores, so that it cannot be faster here: the table tells what it costs, and from which
night on that is little beside the work. Seconds are those of the step with its publication; Spark's start is told by itself.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data import World
from measure import Clock, Outcome, Stage, Variant, once

TIMES = (1, 10)
STATE = "wide"
COPIES = (1, 2, 4)
PARTS = (1, 4, 16, 64)
MASTER = "local[2]"


def validate_here(world: World, clock: Clock) -> Mapping[str, float]:
    """Check the night in this process."""
    return _validated(world, clock, spark=False)


def validate_on_spark(world: World, clock: Clock) -> Mapping[str, float]:
    """Check the night on Spark."""
    return _validated(world, clock, spark=True)


def predict_here(world: World, clock: Clock) -> Mapping[str, float]:
    """Predict and publish the night in this process."""
    return _predicted(world, clock, spark=False)


def predict_on_spark(world: World, clock: Clock) -> Mapping[str, float]:
    """Predict the night on Spark, and publish it."""
    return _predicted(world, clock, spark=True)


def parts(world: World, clock: Clock) -> Mapping[str, float]:
    """Tell what Spark takes to start, and for parts with which nothing is done."""
    with _stores(world, spark=True) as (_, _, stores):
        with clock("start"):
            stores.engine.map(Nothing(), range(1))
        for count in PARTS:
            with clock(f"{count} parts"):
                stores.engine.map(Nothing(), range(count))
    return {}


def copies(world: World, clock: Clock) -> Mapping[str, float]:
    """Publish the predictions of the night over 1, 2 and 4 connections at the same time."""
    import product

    with product.started_from(world, STATE) as stores:
        batch = stores.ledger.history(_batch_kind(), "bench")[0]
        table = stores.ledger.predictions("bench", role=batch.role, within=batch.interval).drop(["version", "batch"])
        for count in COPIES:
            step = -(-table.num_rows // count)
            streams = [iter(table.slice(start, step).to_batches(100_000)) for start in range(0, table.num_rows, step)]
            with clock(f"{count} connections"):
                stores.ledger.publish(batch.model_copy(update={"id": f"{count}" * 32}), *streams)
    return {"rows": table.num_rows}


STAGE = Stage(
    name="engines",
    title="a night on Spark",
    variants={
        one.__name__: Variant(title=one.__name__.replace("_", " "), function=one, venv="")
        for one in (validate_here, validate_on_spark, predict_here, predict_on_spark, parts, copies)
    },
)


class Nothing:
    """Does nothing with a part."""

    def __call__(self, part: int, tools: object) -> bytes:
        """Return nothing."""
        del part, tools
        return b""


def report(rows: int, runs: int, say: Callable[[str], None]) -> list[str]:
    """Run every size, and return what is to be told as lines of Markdown."""
    lines = [
        "| rows | what | phase | s, median | CPU s | MB, this process or a child of it |",
        "| ---: | --- | --- | ---: | ---: | ---: |",
    ]
    for times in TIMES:
        for line in _size(rows * times, runs, say):
            lines.append(line)
            say(line)
    return [*lines, "", "Java's memory is Spark's own: 1 GiB at most by default (`spark.driver.memory`), and not counted here."]


def _size(rows: int, runs: int, say: Callable[[str], None]) -> Iterator[str]:
    import product
    import worlds

    from perennial.core.receipts import Purpose
    from perennial.steps.extract import extract

    outcomes = {name: Outcome() for name in STAGE.variants}
    with worlds.new_world(rows, min(200_000, rows)) as world:
        worlds.load(world)
        product.prepare_champion(world, STATE)
        with _stores(world, spark=False) as (definition, night, stores):
            extract(definition, night, stores, purpose=Purpose.SCORE, as_of=night.end)
            product.check(world, stores)
        for _ in range(runs):
            for name, variant in STAGE.variants.items():
                once(STAGE.name, name, variant, world, outcomes[name])
                say(f"  {rows} {name}: {outcomes[name].reason or 'done'}")
    for name, outcome in outcomes.items():
        for phase, taken in outcome.taken.items():
            seconds, cpu = (statistics.median(getattr(one, what) for one in taken) for what in ("seconds", "cpu"))
            yield f"| {rows} | {name} | {phase} | {seconds:.2f} | {cpu:.2f} | {max(one.peak for one in taken):.0f} |"
        if outcome.reason:
            yield f"| {rows} | {name} | {outcome.reason} | | | |"


def _validated(world: World, clock: Clock, *, spark: bool) -> Mapping[str, float]:
    import product

    from perennial.steps import validate as module

    with _stores(world, spark=spark) as (definition, night, stores):
        snapshot = product.snapshot_of(stores)
        _warm(stores)
        with clock():
            validation = module.validate(definition, night, stores, snapshot=snapshot)
    return {"refused": validation.quarantined}


def _predicted(world: World, clock: Clock, *, spark: bool) -> Mapping[str, float]:
    import product

    from perennial.steps import predict as module

    with _stores(world, spark=spark) as (definition, night, stores):
        stores.ledger.expire_predictions({("bench", "all"): night.end})
        snapshot, validation = product.snapshot_of(stores), product.validation_of(stores)
        _warm(stores)
        with clock():
            predicted = module.predict(definition, night, stores, snapshot=snapshot, validation=validation)
    return {"predicted": predicted.batches[0].rows}


def _warm(stores: Any) -> None:  # noqa: ANN401 - Perennial may not be imported here
    """Start Spark, and have its processes import what they need: that is measured by itself."""
    if stores.engine is not None:
        stores.engine.map(Nothing(), range(2))


def _batch_kind() -> Any:  # noqa: ANN401 - as above
    from perennial.core.receipts import PredictionBatch

    return PredictionBatch


@contextmanager
def _stores(world: World, *, spark: bool) -> Iterator[tuple[Any, Any, Any]]:
    from dataclasses import replace

    import product

    from perennial.wiring import open_stores

    os.environ["PERENNIAL_SIGNING_KEY"] = world.key  # executors inherit it
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = replace(product.settings(world, STATE), spark=MASTER if spark else None)
    with open_stores(settings) as stores:
        yield product.definition(world), product.NIGHT, stores
