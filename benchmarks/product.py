"""Perennial's side of the benchmarks: a definition over the data, and stores in a state that each run starts from anew."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import data
import psycopg
from data import World
from expected import expectations

from perennial.core.interval import Interval
from perennial.core.receipts import Publication, Purpose, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import extract
from perennial.steps.validate import validate
from perennial.wiring import Settings, open_stores

SEED = 0
HOLDOUT = timedelta(days=4)
DELAY = timedelta(hours=24)
WINDOW, NIGHT = Interval(data.BEGIN, data.NIGHT), Interval(data.NIGHT, data.END)
EMPTY, TRAINED, EXTRACTED, VALIDATED = "empty", "trained", "extracted", "validated"
"""States of the ledger: nothing; a champion; the night's snapshot as well; its validation as well."""


def definition(world: World, table: str = "night", *, connection: str = "bench", labels: str | None = None) -> Definition:
    """Return the definition over *table*; the labels stand in it, or in the table *labels*."""
    return Definition.model_validate(values(world, table, connection=connection, labels=labels))


def values(world: World, table: str = "night", *, connection: str = "bench", labels: str | None = None) -> dict[str, Any]:
    """Return the definition over *table* as it stands in a file."""
    relation = {"connection": connection, "entity": [data.ENTITY], "event_at": data.EVENT}
    label: dict[str, Any] = {"column": data.LABEL, "delay": "24h"}
    return {
        "name": "bench",
        "title": "Benchmark",
        "purpose": "To be measured.",
        "owner": "benchmarks",
        "kpi": {"name": "Seconds", "approximation": "Measured."},
        "source": {**relation, "table": table},
        "label": {**label, "source": {**relation, "table": labels}} if labels else label,
        "features": {"numeric": list(data.NUMERIC), "categorical": list(data.CATEGORICAL)},
        "schedule": {
            "score": "0 0 * * *",
            "start": data.BEGIN.date().isoformat(),
            "window": {"kind": "sliding", "length": f"{WINDOW.length.days}d"},
        },
        "estimator": {
            "path": "perennial.learning.estimators:hist_gradient_boosting_classifier",
            "task": "binary",
            "parameters": {"max_iter": world.trees},
            "seed": SEED,
        },
        "quality": {"faults": {"volume": False}},  # the night is many times the size of those it was trained on
        "expectations": [{"type": name, "arguments": arguments} for name, arguments in expectations()],
        "evaluation": {"metric": "log_loss", "holdout": f"{HOLDOUT.days}d", "baseline": "mean"},
        "retraining": {"cooldown": "7d"},
    }


def prepare(world: World) -> None:
    """Make the states that runs start from, once."""
    done = world.path / "prepared"
    if done.exists():
        return
    _make_empty(world)
    steps: dict[str, Callable[[World, Stores], object]] = {TRAINED: train, EXTRACTED: take, VALIDATED: check}
    before = EMPTY
    for state, step in steps.items():
        copy_state(world, before, state)
        with opened(world, state) as stores:
            step(world, stores)
        before = state
    done.touch()


def prepare_champion(world: World, state: str) -> None:
    """Make *state*, a ledger with a champion and nothing else."""
    _make_empty(world)
    copy_state(world, EMPTY, state)
    with opened(world, state) as stores:
        train(world, stores)


def train(world: World, stores: Stores) -> Publication:
    """Retrain on the window; its version becomes champion."""
    from perennial.steps.loop import retrain

    published = retrain(definition(world), WINDOW, stores, reason="benchmark", actor="benchmark")
    if not published.promoted:
        raise SystemExit(published.sentence)
    return published


def take(world: World, stores: Stores, table: str = "night", connection: str = "bench") -> Snapshot:
    """Extract the night."""
    night = definition(world, table, connection=connection)
    return extract(night, NIGHT, stores, purpose=Purpose.SCORE, as_of=NIGHT.end)


def check(world: World, stores: Stores) -> Validation:
    """Validate the night that was extracted."""
    return validate(definition(world), NIGHT, stores, snapshot=snapshot_of(stores))


def snapshot_of(stores: Stores) -> Snapshot:
    """Return the night's snapshot, of a state that has it."""
    return stores.ledger.history(Snapshot, "bench", within=NIGHT)[-1]


def validation_of(stores: Stores) -> Validation:
    """Return the night's validation, of a state that has it."""
    return stores.ledger.history(Validation, "bench", within=NIGHT)[-1]


@contextmanager
def started_from(world: World, state: str) -> Iterator[Stores]:
    """Lend stores that start from *state* and are removed afterwards: a database and a folder of their own."""
    run = new_run(world, state)
    try:
        with opened(world, run) as stores:
            yield stores
    finally:
        remove_run(world, run)


def new_run(world: World, state: str) -> str:
    """Copy *state* under a name of its own, and return the name."""
    run = f"run_{secrets.token_hex(4)}"
    copy_state(world, state, run)
    return run


def remove_run(world: World, run: str) -> None:
    """Remove what ``new_run`` made."""
    _execute(world, f"DROP DATABASE ledger_{run} WITH (FORCE)")
    shutil.rmtree(world.path / run)


def settings(world: World, state: str) -> Settings:
    """Return the settings of an installation in *state*."""
    home = world.path / state
    return Settings(
        home=home,
        definitions=home / "definitions",
        database_url=world.url(f"ledger_{state}"),
        artifacts=str(home / "artifacts"),
        s3_endpoint=None,
        signing_key=world.key,
        trusted=frozenset(),
        connections={"bench": world.url(), "sqlite": f"sqlite:///{world.path / 'bench.sqlite'}"},
    )


def trained_until(world: World) -> datetime:
    """Return where the rows end that are fitted on."""
    return definition(world).trained_until(WINDOW.end)


@contextmanager
def opened(world: World, state: str) -> Iterator[Stores]:
    """Open the stores of *state*."""
    with open_stores(settings(world, state)) as stores:
        yield stores


def _make_empty(world: World) -> None:
    from perennial.stores.migrations import migrate

    (world.path / EMPTY).mkdir()
    _execute(world, f"CREATE DATABASE ledger_{EMPTY}")
    migrate(world.url(f"ledger_{EMPTY}"))


def copy_state(world: World, state: str, to: str) -> None:
    """Copy a state: its database, and its artifacts by links, as they are never changed."""
    _execute(world, f"CREATE DATABASE ledger_{to} TEMPLATE ledger_{state}")
    shutil.copytree(world.path / state, world.path / to, copy_function=_link)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _execute(world: World, statement: str) -> None:
    with psycopg.connect(world.url("postgres", driver="postgresql"), autocommit=True) as connection:
        connection.execute(statement.encode())
