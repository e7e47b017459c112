"""Airflow's share of a night: a scoring run on the embedded set-up, minus what its steps take by themselves.

The night is that of a small model, so that the share is what there is to see. The steps' own time is that of the same functions on
the same kind of night, one after another, in one process that has everything imported.
"""

from __future__ import annotations

import os
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from perennial.core.interval import Interval
from perennial.definition.models import Definition
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.ports import Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.loop import retrain, score
from perennial.stores.embedded_postgres import EmbeddedPostgres, embedded_postgres
from perennial.stores.migrations import migrate
from perennial.stores.sql.source import write_table
from perennial.wiring import Settings, open_stores

ROOT = Path(__file__).resolve().parent.parent
DAG, GOAL_S = "score_bike_demand", 8.0
DAY = timedelta(days=1)
DAYS, TRAINED = 90, 61


def report(rows: int, runs: int, say: Callable[[str], None]) -> list[str]:  # noqa: ARG001 - a night here has 24 rows
    """Return the seconds of a run, of the steps alone, and the difference, as lines of Markdown."""
    with _installation() as (configured, definition, server), open_stores(configured) as stores:
        first = datetime.fromisoformat(f"{definition.schedule.start}T00:00:00+00:00")
        window = Interval(first, first + TRAINED * DAY)
        retrain(definition, window, stores, reason="benchmark", actor="benchmark")
        nights = [Interval(window.end + number * DAY, window.end + (number + 1) * DAY) for number in range(2 * (runs + 1))]
        own = [_steps(definition, night, stores) for night in nights[: runs + 1]][1:]
        with _airflow(configured, server) as client:
            whole = [_run(client, night, say) for night in nights[runs + 1 :]][1:]
    share = statistics.median(whole) - statistics.median(own)
    return [
        "| | s: median (least to most) |",
        "| --- | ---: |",
        f"| the run, from its trigger to its end | {statistics.median(whole):.2f} ({min(whole):.2f} to {max(whole):.2f}) |",
        f"| the steps alone | {statistics.median(own):.2f} ({min(own):.2f} to {max(own):.2f}) |",
        "",
        f"- Goal, Airflow's share at most {GOAL_S:g} s: {share:.2f} s, {'met' if share <= GOAL_S else '**missed**'}",
        "- The first run of each kind is not counted. What is asked of Airflow is one run at a time, triggered through its API.",
    ]


def _steps(definition: Definition, night: Interval, stores: Stores) -> float:
    began = time.perf_counter()
    score(definition, night, stores, as_of=night.end)
    return time.perf_counter() - began


def _run(client: Client, night: Interval, say: Callable[[str], None]) -> float:
    began = time.perf_counter()
    run = client.trigger(DAG, run_id=f"night_{night.start:%Y%m%d}", interval=night)
    state = client.wait(DAG, run)
    seconds = time.perf_counter() - began
    say(f"  airflow_share {run}: {state}, {seconds:.2f} s")
    if state != "success":
        raise SystemExit(f"the run {run} ended as {state}")
    return seconds


@contextmanager
def _installation() -> Iterator[tuple[Settings, Definition, EmbeddedPostgres]]:
    """Yield an installation with the shipped model and a simulated history, in a folder that is removed afterwards."""
    with TemporaryDirectory(prefix="perennial-bench-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        home = Path(folder)
        server = stack.enter_context(embedded_postgres(home / "postgres"))
        (home / "definitions").mkdir()
        shipped = yaml.safe_load((ROOT / "config" / "models" / "bike_demand.yml").read_text())
        (home / "definitions" / "bike_demand.yml").write_text(yaml.safe_dump(shipped))
        definition = Definition.model_validate(shipped)
        for name, rows in tables(world(seed=7, days=DAYS, start=definition.schedule.start)).items():
            write_table(server.url("bikes"), name, rows)
        migrate(server.url("ledger"))
        environment = {
            "PERENNIAL_HOME": str(home / "home"),
            "PERENNIAL_DEFINITIONS": str(home / "definitions"),
            "PERENNIAL_DATABASE_URL": server.url("ledger"),
            "PERENNIAL_SIGNING_KEY": secrets.token_hex(32),
            "PERENNIAL_CONN_BIKES": server.url("bikes"),
        }
        yield Settings.of(environment), definition, server


@contextmanager
def _airflow(configured: Settings, server: EmbeddedPostgres) -> Iterator[Client]:
    """Yield the client of a running Airflow whose scoring DAG may run."""
    home = configured.home / "airflow"
    home.mkdir()
    running = LocalAirflow(
        home,
        dags=ROOT / "dags",
        plugins=ROOT / "plugins",
        metadata_url=server.url("airflow"),
        environment={**os.environ, **configured.environment()},
        hold=[server.hold],
    )
    with running as airflow:
        airflow.client.unpause(DAG)
        yield airflow.client
