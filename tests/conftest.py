"""What tests of several floors share: one PostgreSQL for all of them, an empty ledger's database for each, and drawn examples."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Engine

from perennial.stores.database import open_engine
from perennial.stores.embedded_postgres import EmbeddedPostgres, embedded_postgres
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.stores.tables import metadata
from perennial.testing.story import FIRST_DAY
from perennial.workshop.owner import ProcessWorkshop

_NUMBERS = count(1)
_DEAR = frozenset({"company", "crowded", "found_before", "great_expectations", "life"})
"""Fixtures of a session or a module that take 2 to 6 s: all tests with one of them run in one process, which makes it once."""
_PATIENCE_S = 120.0
_FAST = ("fsync = off", "full_page_writes = off", "autovacuum = off")
"""Settings that trade durability for speed: the folder is thrown away."""

# No example fails for the clock: neither by a deadline, nor because drawing it took long on a busy machine.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("same"), derandomize=False, max_examples=1_000, print_blob=True)
settings.load_profile("same")  # a commit passes or it does not; ``--hypothesis-profile search`` draws others, and more of them


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded PostgreSQL for the whole session, in a folder that is thrown away."""
    # Not below pytest's own folder: it locks that to the user who runs the tests, and root's server runs as somebody else.
    with TemporaryDirectory(prefix="perennial-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        server = stack.enter_context(embedded_postgres(Path(folder) / "data"))
        with _connect(server, "postgres") as connection:
            for setting in _FAST:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        yield server
        # At once: a shutdown in good order would first write out every database.
        os.kill(int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


@pytest.fixture(scope="session")
def ledger_template(postgres: EmbeddedPostgres) -> str:
    """The name of a database with the ledger's tables, of which every other one is a copy."""
    migrate(postgres.url("ledger_template"))
    return "ledger_template"


@pytest.fixture(scope="session")
def spare_ledgers() -> list[str]:
    """The names of databases with empty ledgers that no test uses at the moment."""
    return []


@pytest.fixture
def ledger_url(postgres: EmbeddedPostgres, ledger_template: str, spare_ledgers: list[str]) -> Iterator[str]:
    """The URL of a database with an empty ledger, which the test has for itself but whose tables it may not change."""
    # A copy costs 32 ms (strategy wal_log; file_copy 93 ms) and 15 MB of writes, emptying one 4 ms: measured on 2 cores.
    name = spare_ledgers.pop() if spare_ledgers else _copy(postgres, ledger_template)
    yield postgres.url(name)
    _empty(postgres, name)
    spare_ledgers.append(name)


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> str:
    """The URL of a fresh database without any tables, to do with as one likes."""
    return postgres.url(f"empty_{next(_NUMBERS)}")


@pytest.fixture
def postgres_ledger(ledger_url: str) -> Iterator[PostgresLedger]:
    """An empty ledger in a PostgreSQL database of its own."""
    opened = PostgresLedger.open(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def ledger_engine(ledger_url: str) -> Iterator[Engine]:
    """An engine of a database with an empty ledger."""
    engine = open_engine(ledger_url, where="ledger")
    yield engine
    engine.dispose()


def _copy(server: EmbeddedPostgres, template: str) -> str:
    name = f"ledger_{next(_NUMBERS)}"
    with _connect(server, "postgres") as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def _empty(server: EmbeddedPostgres, name: str) -> None:
    with _connect(server, name) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [name]
        )
        connection.execute("SET session_replication_role = replica")  # neither foreign keys nor the append-only trigger
        for table in metadata.sorted_tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.schema or "", table.name)))


def _connect(server: EmbeddedPostgres, database: str) -> psycopg.Connection:
    return psycopg.connect(host=str(server.socket_folder), user="postgres", dbname=database, autocommit=True)


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """A definition of the simulated world that trains and scores in a moment, as read from a file. Nobody changes it."""
    relation = {"connection": "bikes", "entity": ["city"], "event_at": "event_at", "available_at": "available_at"}
    return {
        "name": "bikes_small",
        "title": "Bikes",
        "purpose": "Tests.",
        "owner": "tests",
        "kpi": {"name": "Rides", "approximation": "Closely."},
        "source": {**relation, "table": "conditions"},
        "label": {"column": "rides", "delay": "24h", "latest": "7d", "source": {**relation, "table": "rides"}},
        "features": {"numeric": ["temperature", "humidity", "wet"], "time": ["hour", "weekday"]},
        "schedule": {
            "score": "0 0 * * *",
            "start": FIRST_DAY.date().isoformat(),
            "window": {"kind": "sliding", "length": "21d"},
        },
        "estimator": {"path": "perennial.learning.estimators:ridge_regressor"},
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "arguments": {"column": "temperature", "min_value": -25, "max_value": 35},
            },
            {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "rides"}, "on": "train"},
            {
                "type": "expect_column_values_to_be_between",
                "arguments": {"column": "rides", "min_value": 0, "max_value": 1900},
                "on": "train",
            },
        ],
        "quality": {"tolerated": "5%", "tolerated_training": "50%", "minimum_rows": 20},
        "evaluation": {
            "metric": "mae",
            "holdout": "3d",
            "baseline": "mean",
            "gates": {"baseline": "1%", "champion": {"rule": "non_inferior", "margin": "50%"}},
        },
        "monitoring": {"minimum_rows": 12},
        "retraining": {"causes": ["decay"], "cooldown": "2d", "breaker": 6},
    }


@pytest.fixture(scope="session")
def workshop() -> Iterator[ProcessWorkshop]:
    """One workshop for the whole session: its start costs as much as a hundred fits."""
    with closing(ProcessWorkshop()) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests of a module: the system's Chromium, led by Playwright, which `make browser` installs."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make browser")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def gone() -> Callable[..., bool]:
    """Whether all of some processes have ended, for which there is some time. A zombie has."""

    def lives(number: int) -> bool:
        try:
            return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def wait(*numbers: int) -> bool:
        deadline = time.monotonic() + _PATIENCE_S
        while any(map(lives, numbers)) and time.monotonic() < deadline:
            time.sleep(0.005)
        return not any(map(lives, numbers))

    return wait


@pytest.fixture
def heard() -> Iterator[None]:
    """Let the test, and what it starts, hear Ctrl-C, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _StoppedFromOutsideError(BaseException):
    """What Airflow raises in the main thread when a task has run for its ``execution_timeout`` is no error of Python's either."""


@pytest.fixture
def stopped_from_outside() -> Iterator[type[BaseException]]:
    """Let SIGUSR1 raise in the main thread what this lends. It is not the signal of the alarm, which ends tests that hang."""

    def raised(*_: object) -> None:
        raise _StoppedFromOutsideError

    before = signal.signal(signal.SIGUSR1, raised)
    yield _StoppedFromOutsideError
    signal.signal(signal.SIGUSR1, before)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # groups before xdist looks for them, the order after it was drawn
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Give tests that share something dear to one process, and begin with the slow ones, so that none is the last to run.

    xdist starts with the group of the most tests, and goes through all others in this order.
    """
    for item in items:
        for group in _groups(item):
            item.add_marker(pytest.mark.xdist_group(group))
    yield
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _groups(item: pytest.Item) -> Iterator[str]:
    """Yield the group of those that start an Airflow or a Spark, or that use one of ``_DEAR``."""
    if item.get_closest_marker("dags"):
        yield "airflow"
    elif item.get_closest_marker("spark"):
        yield "spark"
    elif isinstance(item, pytest.Function):
        yield from sorted(_DEAR.intersection(item.fixturenames))[:1]
