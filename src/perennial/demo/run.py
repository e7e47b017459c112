"""Sets the stage (databases, the simulated company, Airflow), lets the story happen, prints it, and clears the stage."""

from __future__ import annotations

import shutil
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from perennial import wiring
from perennial.core.interval import Interval
from perennial.core.receipts import Action, Decision
from perennial.definition.calendar import midnight
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.demo.report import claims, tables
from perennial.demo.stage import WIDEST, Stage, show_claim, show_table
from perennial.demo.story import FIRST_MODEL_DAY, LAST_DAY, SHOCK, Story
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.simulation.load import simulate
from perennial.stores.sql.source import write_table

MODEL = "bike_demand"
SEED = 7
DAYS = 500


def run(configured: wiring.Settings, *, dags: Path, plugins: Path, console: Console) -> bool:
    """Run the main job in a folder of its own, made anew, and return whether everything that it promises is true.

    Raises:
        PerennialError: Something could not be done. Whatever was started is stopped.
        StoryError: The story went another way than it must.
    """
    began = time.monotonic()
    if not console.is_terminal:
        console.width = WIDEST
    home = configured.home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    definition = load(configured.definitions / f"{MODEL}.yml")
    alone = replace(configured, home=home, database_url=None, artifacts=str(home / "artifacts"), connections={})
    console.print(f"{DAYS} days of a bike-share company, in {home}\n", highlight=False)
    with wiring.databases(alone) as running:
        _live(definition, alone, running, dags=dags, plugins=plugins, console=console)
        holds = _report(definition, running.ledger, console)
    console.print(f"\n{time.monotonic() - began:.0f} s. Everything that was started has stopped.", highlight=False)
    console.print(
        f"To look around in what is left: PERENNIAL_HOME={home} .venv/bin/perennial models list", highlight=False, soft_wrap=True
    )
    return holds


def _live(
    definition: Definition, alone: wiring.Settings, running: wiring.Databases, *, dags: Path, plugins: Path, console: Console
) -> None:
    connection = definition.source.connection
    source = running.beside(connection) or ""
    settings = replace(alone, database_url=running.ledger, connections={connection: source})
    with Stage(console) as stage:
        stage.say("the company's history is simulated")
        for name, table in simulate(seed=SEED, days=DAYS).items():
            write_table(source, name, table)
        stage.say("Airflow starts")
        with _airflow(settings, running, dags, plugins) as airflow, wiring.open_stores(settings) as stores:
            stage.show(f"Airflow runs at {airflow.address} until the end of the story\n")
            for chapter in Story(definition=definition, stores=stores, airflow=airflow.client, progress=stage.say).chapters():
                stage.tell(chapter)
            stage.say("Airflow stops")


def _airflow(
    settings: wiring.Settings, running: wiring.Databases, dags: Path, plugins: Path
) -> AbstractContextManager[LocalAirflow]:
    return LocalAirflow(
        settings.home / "airflow",
        dags=dags,
        plugins=plugins,
        metadata_url=running.beside("airflow") or "",
        environment={**wiring.environment(), **settings.environment()},
        hold=running.hold,
    )


def _report(definition: Definition, url: str, console: Console) -> bool:
    start = midnight(definition.schedule.start, definition.schedule.timezone)
    shock = start + timedelta(days=SHOCK)
    after = Interval(shock, start + timedelta(days=LAST_DAY))
    with wiring.open_ledger(url) as ledger:
        nights = ledger.history(Decision, definition.name, within=after)
    first = start + timedelta(days=FIRST_MODEL_DAY + 1)
    turn = next(decision.interval.end for decision in nights if decision.action is Action.RETRAIN)
    for shown in tables(url, definition.name, first=first, turn=turn):
        show_table(console, shown)
    made = list(claims(url, definition.name, shock=shock))
    for claim in made:
        show_claim(console, claim)
    return all(claim.holds for claim in made)
