"""Nights of many models on two workers of Celery, of which one is killed in the middle: every promise holds afterwards."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
import yaml

from perennial import wiring
from perennial.definition.calendar import training_window
from perennial.definition.loader import load_folder
from perennial.definition.models import Definition
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import _free_port, _guarded, _read_line
from perennial.orchestration.settings import USER, Login, environment, load_secrets
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.audit import audit
from perennial.steps.loop import retrain
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.query import query
from perennial.stores.sql.source import write_table
from perennial.testing.story import FIRST_DAY, day, night

pytestmark = [
    pytest.mark.faults,
    pytest.mark.dags,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(find_spec("airflow.providers.celery") is None, reason="Airflow's Celery provider is missing: make celery"),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server on this machine"),
]

ROOT = Path(__file__).parents[2]
MODELS, MANY = 6, 200
"""So many models without segments by default, and with ``--exhaustive``. There is one more, whose segments are mapped tasks."""

CITIES = {f"city_{number}": f"City {number}" for number in range(6)}

NIGHT = 31
HOURS = 24
WORKERS = ("first", "second")
PATIENCE_S = 1800
SETTINGS = {
    # Airflow's own 30 and 50 s for a DAG file are not enough where the machine is busy.
    "core": {"executor": "CeleryExecutor", "parallelism": "4", "dagbag_import_timeout": "600"},
    "dag_processor": {"dag_file_processor_timeout": "600"},
    "celery": {"worker_concurrency": "2", "sync_parallelism": "1"},
    # A worker that was killed says nothing; it is missed after 30 s without a heartbeat, and what it had not begun after 120 s.
    "scheduler": {
        "task_instance_heartbeat_timeout": "30",
        "task_instance_heartbeat_timeout_detection_interval": "5",
        "task_queued_timeout": "120",
        "task_queued_timeout_check_interval": "10",
    },
}
BATCHES = (
    "SELECT model, segment, role, count(*) FROM perennial.prediction_batch WHERE state = 'current' GROUP BY model, segment, role"
)
ROWS = """
    SELECT model, segment, count(*), count(DISTINCT event_at), sum(prediction::numeric)
    FROM perennial.current_prediction WHERE role = 'champion' GROUP BY model, segment
"""
DECIDED = "SELECT model, segment, count(*) FROM perennial.decision GROUP BY model, segment"


@dataclass(frozen=True)
class Fleet:
    """An Airflow with two workers, and many models with a champion each."""

    client: Client
    settings: wiring.Settings
    definitions: tuple[Definition, ...]
    worker: Callable[[str], psutil.Process]


@pytest.fixture
def definitions(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Definition, ...]:
    """Definitions that differ in their names, and one that has segments as well."""
    folder = tmp_path / "definitions"
    folder.mkdir()
    base = yaml.safe_load((ROOT / "tests/dags/files/loop.yml").read_text())
    many = MANY if request.config.getoption("--exhaustive", default=False) else MODELS
    for made in (_split(base), *({**base, "name": f"model_{number:03d}"} for number in range(many))):
        (folder / f"{made['name']}.yml").write_text(yaml.safe_dump(made))
    return tuple(load_folder(folder).definitions)


@pytest.fixture
def perennial(
    tmp_path: Path, postgres: EmbeddedPostgres, new_ledger: Callable[[], str], definitions: tuple[Definition, ...]
) -> dict[str, str]:
    """The environment of tasks: the same rows for each model and each city, and a champion of each."""
    made = {
        "PERENNIAL_HOME": str(tmp_path / "perennial"),
        "PERENNIAL_DEFINITIONS": str(tmp_path / "definitions"),
        "PERENNIAL_DATABASE_URL": new_ledger(),
        "PERENNIAL_SIGNING_KEY": secrets.token_hex(32),
        "PERENNIAL_CONN_BIKES": postgres.url("bikes_for_celery"),
    }
    for name, rows in tables(world(seed=7, days=NIGHT + 4, start=FIRST_DAY.date())).items():
        write_table(made["PERENNIAL_CONN_BIKES"], name, rows)
        write_table(
            made["PERENNIAL_CONN_BIKES"], f"{name}_of_cities", pa.concat_tables(_of(city, rows) for city in CITIES.values())
        )
    with wiring.open_stores(wiring.Settings.of(made)) as stores:
        for definition, segment in _each(definitions):
            window = training_window(definition, day(NIGHT - 1))
            assert retrain(definition, window, stores, reason="a test", actor="tests", segment=segment).promoted
    return made


@pytest.fixture
def fleet(
    tmp_path: Path, postgres: EmbeddedPostgres, perennial: dict[str, str], definitions: tuple[Definition, ...]
) -> Iterator[Fleet]:
    """The Airflow, with every DAG paused. A guard stops all of it, however the test ends."""
    home, port, broker = tmp_path / "airflow", _free_port(), _free_port()
    for folder in (home / "logs/tasks", home / "redis"):
        folder.mkdir(parents=True)
    inherited = {**os.environ, **perennial}
    settings = _settings(home, postgres.url("airflow_for_celery"), port, broker, inherited)
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=settings, check=True, capture_output=True)
    keys = load_secrets(home)
    with _guarded([postgres.hold]) as guard:
        for name, command in _commands(home, port, broker).items():
            _start(guard, name, command, settings, home / "logs")
        client = Client(f"http://127.0.0.1:{port}", Login(USER, keys.password))
        _until(lambda: _healthy(client, guard), "Airflow to be healthy")
        yield Fleet(client, wiring.Settings.of(inherited), definitions, lambda name: psutil.Process(int((home / name).read_text())))


def test_every_promise_holds_after_a_worker_was_killed(fleet: Fleet) -> None:
    """What it was doing is done again by the other; each model and segment has its night once, whole, and all have the same."""
    dags = [f"score_{definition.name}" for definition in fleet.definitions]
    for dag in dags:
        fleet.client.unpause(dag)
        fleet.client.trigger(dag, run_id="night", interval=night(NIGHT))
    _until(lambda: _done(fleet.client) > 2 * len(dags), "a third of the tasks to be done")
    lost = _kill(fleet.worker(WORKERS[0]), fleet.client)

    assert {fleet.client.wait(dag, "night", timeout_s=PATIENCE_S) for dag in dags} == {"success"}
    assert [task for task in lost if _tries(fleet.client, task) < 2] == []
    with wiring.open_stores(fleet.settings) as stores:
        assert audit(stores) == []
    url = str(fleet.settings.database_url)
    each = {(definition.name, segment) for definition, segment in _each(fleet.definitions)}
    nights = query(url, ROWS)
    assert set(query(url, BATCHES)) == {(*one, role, 1) for one in each for role in ("baseline", "champion")}
    assert {night[:4] for night in nights} == {(*one, HOURS, HOURS) for one in each}
    assert set(query(url, DECIDED)) == {(*one, 1) for one in each}
    assert len({night[4] for night in nights}) == 1


def _each(definitions: Iterable[Definition]) -> Iterator[tuple[Definition, str]]:
    """Yield each definition with each of its segments."""
    return ((definition, segment) for definition in definitions for segment in definition.segment_names)


def _split(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with a segment for each city."""
    source, label = values["source"], values["label"]
    return {
        **values,
        "name": "cities",
        "source": {**source, "table": "conditions_of_cities"},
        "label": {**label, "source": {**label["source"], "table": "rides_of_cities"}},
        "segments": {"column": "city", "values": CITIES},
    }


def _of(city: str, rows: pa.Table) -> pa.Table:
    """Return *rows* as those of a city."""
    return rows.set_column(rows.schema.get_field_index("city"), "city", pa.array([city] * rows.num_rows))


def _settings(home: Path, metadata_url: str, port: int, broker: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every component: that of a local Airflow, with Celery."""
    local = environment(
        home=home,
        dags=ROOT / "dags",
        plugins=ROOT / "plugins",
        metadata_url=metadata_url,
        port=port,
        keys=load_secrets(home),
        inherited=inherited,
    )
    redis = {"broker_url": f"redis://127.0.0.1:{broker}/0", "result_backend": f"redis://127.0.0.1:{broker}/1"}
    options = {**SETTINGS, "celery": {**SETTINGS["celery"], **redis}}
    ours = {f"AIRFLOW__{section}__{key}".upper(): value for section, of in options.items() for key, value in of.items()}
    return {**local, **ours}


def _commands(home: Path, port: int, broker: int) -> dict[str, list[str]]:
    components = {"api-server": ["--port", str(port)], "scheduler": ["--skip-serve-logs"], "dag-processor": []}
    options = json.dumps({"logs": str(home / "logs"), "warm": [], "components": components})
    python, worker = sys.executable, str(Path(__file__).parent / "files/celery_worker.py")
    own = ["--port", str(broker), "--bind", "127.0.0.1", "--dir", str(home / "redis"), "--save", "", "--appendonly", "no"]
    return {
        "redis": ["redis-server", *own],
        "components": [python, "-m", "perennial.orchestration.components", options],
        **{name: [python, worker, name, str(home / name)] for name in WORKERS},
    }


def _start(guard: subprocess.Popen[bytes], name: str, command: list[str], settings: Mapping[str, str], logs: Path) -> None:
    order = {"start": name, "command": command, "environment": dict(settings), "log": str(logs / f"{name}.log")}
    assert guard.stdin is not None  # for the type checker
    guard.stdin.write(json.dumps(order).encode() + b"\n")
    guard.stdin.flush()


def _healthy(client: Client, guard: subprocess.Popen[bytes]) -> bool:
    ended = _read_line(guard)
    assert ended is None, ended
    health = client.health()
    return all(health.get(name) == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))


def _kill(worker: psutil.Process, client: Client) -> list[dict[str, Any]]:
    """Kill every process of *worker* at a moment when it is at a task, and return the tasks that it was at.

    Its processes are stopped first. So none of these tasks can come to an end between the look at Airflow's database and the kill.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with _stopped(worker) as processes:
            numbers = {process.pid for process in processes}
            running = client.request("GET", "/dags/~/dagRuns/~/taskInstances?state=running&limit=100")["task_instances"]
            if lost := [task for task in running if task["pid"] in numbers]:
                for process in processes:
                    process.kill()
                return lost
        time.sleep(0.05)
    raise AssertionError("the worker is at no task")


@contextmanager
def _stopped(worker: psutil.Process) -> Iterator[list[psutil.Process]]:
    """Stop a process and all below it, the parent first, so that it forks no more; in the end those that are left go on."""
    processes: list[psutil.Process] = []

    def stop(process: psutil.Process) -> None:
        try:
            process.suspend()
            processes.append(process)
            children = process.children()
        except psutil.NoSuchProcess:  # it has just ended
            return
        for child in children:
            stop(child)

    stop(worker)
    try:
        yield processes
    finally:
        for process in processes:
            try:
                process.resume()
            except psutil.NoSuchProcess:  # it was killed
                continue


def _done(client: Client) -> int:
    return int(client.request("GET", "/dags/~/dagRuns/~/taskInstances?state=success&limit=1")["total_entries"])


def _tries(client: Client, task: Mapping[str, Any]) -> int:
    path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
    if task["map_index"] >= 0:
        path += f"/{task['map_index']}"
    return int(client.request("GET", path)["try_number"])


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.2)
