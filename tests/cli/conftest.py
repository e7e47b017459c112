"""A small company whose loop ran for a week, all of it by the command line, and ways to call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner, Result

from perennial.cli import app
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.workshop import owner
from perennial.workshop.owner import ProcessWorkshop

DEFINITION = """\
name: small
title: Bike demand by the hour
purpose: Vans for the morning.
owner: dispatch
kpi: {name: empty stations, approximation: the error is how many bikes stand in the wrong place}
source:
  connection: bikes
  table: conditions
  entity: [city]
  event_at: event_at
  available_at: available_at
label:
  column: rides
  delay: 24h
  source: {connection: bikes, table: rides, entity: [city], event_at: event_at, available_at: available_at}
features:
  numeric: [temperature, wet]
  time: [hour, weekend]
schedule:
  score: "0 0 * * *"
  retrain: "0 0 1 * *"
  timezone: UTC
  start: 2024-01-01
  end: 2024-02-05
  window: {kind: sliding, length: 20d}
estimator:
  path: perennial.learning.estimators:ridge_regressor
expectations:
  - type: expect_column_values_to_not_be_null
    arguments: {column: temperature}
evaluation:
  metric: mae
  holdout: 3d
  baseline: mean
  gates:
    champion: {rule: non_inferior, margin: 90%}
retraining:
  cooldown: 3d
"""
COPIED_CITY = """
INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('city', %s::text, {name}, t.{figure} / 2))).*
FROM {table} t WHERE city = 'metropolis'
"""
_NUMBERS = count(1)
SCRIPT = Path(sys.executable).with_name("perennial")

Call = Callable[..., Result]
Start = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Company:
    """An installation whose loop ran, and the two versions that it trained, in this order."""

    environment: Mapping[str, str]
    first: str
    second: str


class Lent:
    """A workshop that whoever borrows it does not close."""

    def __init__(self, workshop: ProcessWorkshop) -> None:
        """Lend *workshop*."""
        self.prepare, self.run = workshop.prepare, workshop.run

    def close(self) -> None:
        """Leave it open for the next call."""


@contextmanager
def lent(workshop: ProcessWorkshop) -> Iterator[None]:
    """Let every call in this process have *workshop*: its start takes 3 s, and each call would start one of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owner, "ProcessWorkshop", lambda _environment: Lent(workshop))
        yield


@pytest.fixture(autouse=True)
def one_workshop(workshop: ProcessWorkshop) -> Iterator[None]:
    """Give it to the test's calls. What is started as a command has its own."""
    with lent(workshop):
        yield


@pytest.fixture(scope="session")
def company(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, workshop: ProcessWorkshop) -> Company:
    """36 simulated days, a first training, and a week of nights with a scheduled retraining in it."""
    home = tmp_path_factory.mktemp("company")
    (home / "models").mkdir()
    (home / "models" / "small.yml").write_text(DEFINITION)
    environment = {
        "PERENNIAL_HOME": str(home / "home"),
        "PERENNIAL_DEFINITIONS": str(home / "models"),
        "PERENNIAL_DATABASE_URL": postgres.url("cli_company"),
        "PERENNIAL_CONN_BIKES": postgres.url("cli_bikes"),
    }
    for words in (
        ["migrate"],
        ["simulate", "--days", "36"],
        ["retrain", "small", "--until", "2024-01-28"],
        ["replay", "small", "--from", "2024-01-28", "--until", "2024-02-03"],
    ):
        with lent(workshop):
            result = CliRunner().invoke(app, words, env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    with psycopg.connect(postgres.url("cli_company").replace("+psycopg", "")) as connection:
        versions = connection.execute("SELECT version FROM perennial.promotion ORDER BY epoch").fetchall()
    assert len(versions) == 2, versions
    return Company(environment, versions[0][0], versions[1][0])


@pytest.fixture(scope="session")
def cities(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, workshop: ProcessWorkshop) -> Mapping[str, str]:
    """The environment of a company with a model for each of two cities, and rows of a third: a training each and a night."""
    home = tmp_path_factory.mktemp("cities")
    (home / "models").mkdir()
    segments = "segments:\n  column: city\n  values: {old_town: metropolis, harbour: The Harbour}\nfeatures:"
    (home / "models" / "small.yml").write_text(DEFINITION.replace("features:", segments))
    environment = {
        "PERENNIAL_HOME": str(home / "home"),
        "PERENNIAL_DEFINITIONS": str(home / "models"),
        "PERENNIAL_DATABASE_URL": postgres.url("cli_cities"),
        "PERENNIAL_CONN_BIKES": postgres.url("cli_bikes_of_cities"),
        "COLUMNS": "100",
    }
    for words in (["migrate"], ["simulate", "--days", "36"]):
        assert CliRunner().invoke(app, words, env=environment, catch_exceptions=False).exit_code == 0
    with psycopg.connect(environment["PERENNIAL_CONN_BIKES"].replace("+psycopg", "")) as connection:
        connection.execute("UPDATE conditions SET city = 'metropolis'")
        connection.execute("UPDATE rides SET city = 'metropolis'")
        copied = sql.SQL(COPIED_CITY)
        for city in ("The Harbour", "Nowhere"):
            for table, figure in (("conditions", "temperature"), ("rides", "rides")):
                names = {"table": sql.Identifier(table), "figure": sql.Identifier(figure), "name": sql.Literal(figure)}
                connection.execute(copied.format(**names), [city])
    with lent(workshop):
        for words in (["retrain", "small", "--until", "2024-01-28"], ["score", "small", "--night", "2024-01-29"]):
            CliRunner().invoke(app, words, env=environment, catch_exceptions=False)
    return environment


@pytest.fixture
def environment(company: Company) -> dict[str, str]:
    """What the test's calls find in their environment."""
    return {**company.environment, "COLUMNS": "100"}


@pytest.fixture
def call(environment: dict[str, str]) -> Call:
    """Call the command line in the company; what it reads from its environment can be given by name."""

    def run(*words: str, **others: str) -> Result:
        return CliRunner().invoke(app, words, env={**environment, **others})

    return run


@pytest.fixture
def own_ledger(postgres: EmbeddedPostgres, environment: dict[str, str]) -> str:
    """Give the test a copy of the company's ledger that it may change, and return its URL."""
    name = f"cli_copy_{next(_NUMBERS)}"
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        template = urlsplit(environment["PERENNIAL_DATABASE_URL"]).path.removeprefix("/")
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    environment["PERENNIAL_DATABASE_URL"] = postgres.url(name)
    return environment["PERENNIAL_DATABASE_URL"]


@pytest.fixture
def start(company: Company) -> Start:
    """Run the installed command in a process of its own."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inner = {**os.environ, **company.environment, **environment}
        return subprocess.run([SCRIPT, *words], env=inner, capture_output=True, text=True, timeout=180, check=False)

    return run


@pytest.fixture
def command(company: Company) -> tuple[Path, dict[str, str]]:
    """The installed command, and the environment to start it in."""
    return SCRIPT, {**os.environ, **company.environment}


@pytest.fixture
def read() -> Callable[[Result], Any]:
    """Return what a call printed as JSON, after it went well."""

    def parsed(result: Result) -> Any:
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return parsed
