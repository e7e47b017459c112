"""The whole night at 1, 3 and 10 times the rows: seconds and memory of each step, each in a process of its own, as under Airflow.

The champion was trained on the usual window. The labels of the night before, as many as the night has rows, arrive with the
night, and that night had been predicted, so that taking labels in and joining them with predictions is measured too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import data
import numpy as np
import psycopg
from data import World
from measure import Clock, Outcome, Stage, Variant, once

TIMES = (1, 3, 10)
STATE = "scaled"
BEFORE = data.NIGHT - timedelta(days=1)
LABELS = {data.ENTITY: "text", data.EVENT: "timestamptz", data.LABEL: "double precision"}
GOAL_MB = 2048


def extract(world: World, clock: Clock) -> Mapping[str, float]:
    """Extract the night."""
    from perennial.core.receipts import Purpose
    from perennial.steps import extract as module

    with _stores(world) as (definition, night, stores), clock():
        snapshot = module.extract(definition, night, stores, purpose=Purpose.SCORE, as_of=night.end)
    _keep(world, "snapshot", snapshot)
    return {"rows": snapshot.rows, "bytes": snapshot.bytes}


def validate(world: World, clock: Clock) -> Mapping[str, float]:
    """Validate it."""
    from perennial.core.receipts import Snapshot
    from perennial.steps import validate as module

    with _stores(world) as (definition, night, stores), clock():
        validation = module.validate(definition, night, stores, snapshot=_kept(world, "snapshot", Snapshot))
    _keep(world, "validation", validation)
    return {"refused": validation.quarantined}


def predict(world: World, clock: Clock) -> Mapping[str, float]:
    """Predict and publish it: the champion and its baseline."""
    from perennial.core.receipts import Snapshot, Validation
    from perennial.steps import predict as module

    with _stores(world) as (definition, night, stores), clock():
        snapshot, validation = _kept(world, "snapshot", Snapshot), _kept(world, "validation", Validation)
        predicted = module.predict(definition, night, stores, snapshot=snapshot, validation=validation)
    _keep(world, "predicted", predicted)
    return {"predicted": predicted.batches[0].rows}


def monitor(world: World, clock: Clock) -> Mapping[str, float]:
    """Take the labels in, and measure drift and decay."""
    from perennial.core.receipts import Predicted, Snapshot, Validation
    from perennial.steps import monitor as module

    with _stores(world) as (definition, night, stores), clock():
        snapshot, validation = _kept(world, "snapshot", Snapshot), _kept(world, "validation", Validation)
        predicted = _kept(world, "predicted", Predicted)
        measured = module.monitor(definition, night, stores, snapshot=snapshot, validation=validation, predicted=predicted)
    _keep(world, "measurement", measured)
    return {"labelled": sum(loss.labelled for loss in measured.losses)}


def decide(world: World, clock: Clock) -> Mapping[str, float]:
    """Decide about the night."""
    from perennial.core.receipts import Measurement, Validation
    from perennial.steps import decide as module

    with _stores(world) as (definition, night, stores), clock():
        validation, measurement = _kept(world, "validation", Validation), _kept(world, "measurement", Measurement)
        module.decide(definition, night, stores, measurement=measurement, validation=validation)
    return {}


STAGE = Stage(
    name="scale",
    title="a whole night",
    variants={
        step.__name__: Variant(title=step.__name__, function=step, venv="")
        for step in (extract, validate, predict, monitor, decide)
    },
)


def report(rows: int, runs: int, say: Callable[[str], None]) -> list[str]:  # noqa: ARG001 - each size is run once
    """Run the night at each size, and return what is to be told as lines of Markdown."""
    lines = [
        "| rows | " + " | ".join(f"{name}: s, MB" for name in STAGE.variants) + " | night, s | µs a row | largest process, MB |"
        " server, MB | snapshot, MB | ledger, MB |",
        "| ---: |" + " ---: |" * (len(STAGE.variants) + 6),
    ]
    for times in TIMES:
        lines.append(_size(rows * times, say))
        say(lines[-1])
    return [
        *lines,
        "",
        f"Goal: below {GOAL_MB} MB in every process, and time that grows with the rows.",
        "Imports are not in the seconds, but in the MB.",
    ]


def _size(rows: int, say: Callable[[str], None]) -> str:
    import worlds

    outcomes = {name: Outcome() for name in STAGE.variants}
    with worlds.new_world(rows, min(200_000, rows)) as world:
        say(f"  scale {rows}: loading")
        worlds.load(world)
        _prepare(world)
        with _watched(world) as server:
            for name, variant in STAGE.variants.items():
                once(STAGE.name, name, variant, world, outcomes[name])
                if outcomes[name].reason:
                    return f"| {rows} | {name}: {outcomes[name].reason} |"
                say(f"  scale {rows} {name}: {outcomes[name].taken['']} {outcomes[name].answer}")
        taken = [outcome.taken[""][0] for outcome in outcomes.values()]
        total = sum(one.seconds for one in taken)
        cells = [f"{one.seconds:.1f}, {one.peak:.0f}" for one in taken]
        snapshot, ledger = outcomes["extract"].answer["bytes"] / 1e6, _size_of(world, f"ledger_{STATE}")
        cells += [f"{total:.1f}", f"{total / rows * 1e6:.1f}", f"{max(one.peak for one in taken):.0f}", f"{server[0]:.0f}"]
        return f"| {rows} | " + " | ".join([*cells, f"{snapshot:.0f}", f"{ledger:.0f}"]) + " |"


def _prepare(world: World) -> None:
    """Make a ledger with a champion, the labels of the night before, and the predictions that they are compared with."""
    import product

    product.prepare_champion(world, STATE)
    parts = ({name: part[name] for name in LABELS} for part in _before(world))
    data.load_postgres(world, "labels", parts, columns=LABELS)
    with _stores(world) as (_, night, stores):
        stores.ledger.publish(_batch_before(world, stores, night), _predicted_before(world))


def _before(world: World) -> Iterator[data.Rows]:
    return data.chunks(world.rows, BEFORE, data.NIGHT, data.SEED + 2, categories=world.categories)


def _predicted_before(world: World) -> Iterator[Any]:
    import pyarrow as pa

    for number, part in enumerate(_before(world)):
        arrays = {"entity": part[data.ENTITY], "event_at": part[data.EVENT]}
        keys = data.table_of(iter([arrays]), ("entity", "event_at"))
        chances = np.random.default_rng([data.SEED, number]).uniform(0.01, 0.99, keys.num_rows)
        yield from keys.append_column("prediction", pa.array(chances)).to_batches()


def _batch_before(world: World, stores: Any, night: Any) -> Any:  # noqa: ANN401 - Perennial may not be imported here
    from perennial.core.interval import Interval
    from perennial.core.receipts import ModelVersion, PredictionBatch, Role

    champion = stores.ledger.champion("bench")
    version = stores.ledger.get(ModelVersion, champion.version)
    return PredictionBatch(
        id="0" * 32,
        model="bench",
        interval=Interval(BEFORE, night.start),
        role=Role.CHAMPION,
        version=version.id,
        epoch=champion.epoch,
        snapshot=version.snapshot,
        validation=version.validation,
        rows=world.rows,
    )


@contextmanager
def _stores(world: World) -> Iterator[tuple[Any, Any, Any]]:
    import product

    with product.opened(world, STATE) as stores:
        yield product.definition(world, labels="labels"), product.NIGHT, stores


def _keep(world: World, name: str, receipt: Any) -> None:  # noqa: ANN401 - Perennial may not be imported here
    (world.path / f"{name}.json").write_text(receipt.model_dump_json())


def _kept(world: World, name: str, kind: Any) -> Any:  # noqa: ANN401 - as above
    return kind.model_validate_json((world.path / f"{name}.json").read_text())


def _size_of(world: World, database: str) -> float:
    with psycopg.connect(world.url(database, driver="postgresql")) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return float(row[0]) / 1e6 if row else 0.0


@contextmanager
def _watched(world: World) -> Iterator[list[float]]:
    """Yield a list whose only item is the most memory in MB that one of the server's processes had for itself, looked at often."""
    postmaster = int((world.path / "postgres" / "postmaster.pid").read_text().split()[0])
    peak, stopped = [0.0], threading.Event()

    def watch() -> None:
        while not stopped.wait(0.1):
            peak[0] = max([peak[0], *(_own_memory(pid) for pid in _children(postmaster))])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stopped.set()
        thread.join()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _own_memory(pid: int) -> float:
    """Return the memory of a process in MB, without what it shares with others."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), 0.0)
