"""One local Airflow for all DAG tests, with the product's own DAG files and a definition to work on."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from perennial.orchestration.local_airflow import LocalAirflow
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.testing.mailbox import Mailbox, mailbox

collect_ignore = ["files"]
"""No tests, and no doctests either: DAG files, a definition, and a program."""

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).parent / "files"

PATIENT = "[core]\ndagbag_import_timeout = 600\n[dag_processor]\ndag_file_processor_timeout = 600\n"
"""Settings of Airflow for a busy machine: after its own 30 or 50 s for a DAG file it gives up, and the DAG or the task is lost."""

DEFINITION: dict[str, Any] = {
    "name": "bikes",
    "title": "Bike demand",
    "purpose": "How many bikes to bring to which region before the morning.",
    "owner": "operations",
    "kpi": {"name": "empty stations", "approximation": "the absolute error of the hourly demand"},
    "source": {"connection": "bikes", "table": "demand", "entity": ["region"], "available_at": "available_at"},
    "label": {"column": "trips", "delay": "7d"},
    "features": {"numeric": ["temperature"], "time": ["hour", "weekday"]},
    "schedule": {
        "score": "0 2 * * *",
        "retrain": "0 4 * * 1",
        "timezone": "Europe/Berlin",
        "start": "2024-01-01",
        "end": "2024-05-01",
        "window": {"kind": "sliding", "length": "60d"},
    },
    "expectations": [{"type": "expect_column_values_to_be_between", "arguments": {"column": "temperature", "min_value": -40}}],
    "evaluation": {"metric": "mae", "holdout": "14d"},
    "retraining": {"cooldown": "7d"},
}


REGIONS: dict[str, Any] = {
    "source": {"table": "region_conditions"},
    "label": {"source": {"table": "region_rides"}},
    "segments": {"column": "city", "values": {"north": "North", "south": "South"}, "others": "left_out"},
}
"""What splits ``files/loop.yml`` by city, over tables of its own."""

TOLD: dict[str, Any] = {"messages": {"to": [{"arguments": {"to": "fleet@example.org", "smtp_conn_id": "team_mail"}}]}}
"""What has people told by mail."""

DIGEST: dict[str, Any] = {"messages": {"to": [{"notifier": "recording:Recorder"}], "digest": True}}
"""What has people told once a day, by a notifier of the tests."""

VARIANTS: dict[str, dict[str, Any]] = {
    "by_hand": {},
    "nights": {**TOLD, "title": "Nights", "retraining": {"max_age": "2d"}},
    "bell": {"retraining": {"max_age": "2d"}},
    "approved": {**TOLD, "title": "Approved", "publish": {"approval": "human", "approvers": ["admin"]}},
    "silent": {"publish": {"approval": "human", "answer_within": "20s", "unanswered": "approve"}},
    "rejected": {"publish": {"approval": "human"}},
    "answered": {"publish": {"approval": "human"}},
    "composed": {"source": {"table": "ready"}},
    "looked_at": {},
    "walked": {
        "title": "Walked",
        "source": {"table": "walked_conditions"},
        "label": {"source": {"table": "walked_rides"}},
        "publish": {"approval": "human", "approvers": ["admin"]},
    },
    "lacking": {
        **TOLD,
        "title": "Lacking",
        "features": {"numeric": ["temperature", "wind"]},
        "publish": {"ready_within": "1s"},
    },
    "regions": {**REGIONS, "retraining": {"max_age": "2d"}},
    "regions_cleared": REGIONS,
    "regions_asked": {**REGIONS, "publish": {"approval": "human"}},
    "fleet_one": {**DIGEST, "title": "Fleet, one"},
    "fleet_two": {**DIGEST, "title": "Fleet, two"},
    "broken": {"owner": 7, "evaluation": {"metric": "mea"}},
}
"""What differs from ``files/loop.yml``, by the name of the definition: one for each test, so that none waits for another."""


@pytest.fixture(scope="session")
def definition_values() -> dict[str, Any]:
    """A definition that has all that a DAG is made from."""
    return DEFINITION


@pytest.fixture(scope="session")
def airflow_dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of DAG files of the session's Airflow: the product's own, the documents' examples, and what the tests have."""
    folder = tmp_path_factory.mktemp("dags")
    of_tests = (FILES / "five_tasks.py", FILES / "recording.py")
    for file in (*(ROOT / "dags").glob("*.py"), *(ROOT / "docs" / "examples").glob("*.py"), *of_tests):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def airflow_definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of definitions of the session's Airflow: variants of one small definition, and a broken one among them."""
    folder = tmp_path_factory.mktemp("definitions")
    base = yaml.safe_load((FILES / "loop.yml").read_text())
    for name, changes in VARIANTS.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(_merged(base, {"name": name, **changes})))
    return folder


@pytest.fixture(scope="session")
def mails() -> Iterator[Mailbox]:
    """Where all mail of the session's Airflow goes."""
    with mailbox() as server:
        yield server


@pytest.fixture(scope="session")
def airflow_environment(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: EmbeddedPostgres,
    ledger_template: str,
    airflow_definitions: Path,
    mails: Mailbox,
) -> dict[str, str]:
    """The environment of the session's Airflow and of its tasks: a ledger of their own, beside the source ``bikes``."""
    with psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE airflow_ledger TEMPLATE {ledger_template}")
    plain = {"disable_ssl": True, "disable_tls": True, "from_email": "perennial@example.org"}
    mail = {"conn_type": "smtp", "host": "127.0.0.1", "port": mails.port, "extra": plain}
    return {
        **os.environ,
        "PERENNIAL_HOME": str(tmp_path_factory.mktemp("perennial")),
        "PERENNIAL_DEFINITIONS": str(airflow_definitions),
        "PERENNIAL_DATABASE_URL": postgres.url("airflow_ledger"),
        "PERENNIAL_SIGNING_KEY": secrets.token_hex(32),
        "PERENNIAL_CONN_BIKES": postgres.url("bikes"),
        "AIRFLOW_CONN_TEAM_MAIL": json.dumps(mail),
        "AIRFLOW_CONN_BIKES": json.dumps({"conn_type": "perennial_database", "password": postgres.url("bikes")}),
        "EXPORTS": str(tmp_path_factory.mktemp("exports")),
    }


@pytest.fixture(scope="session")
def airflow(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: EmbeddedPostgres,
    airflow_dags: Path,
    airflow_environment: dict[str, str],
) -> Iterator[LocalAirflow]:
    """A local Airflow for the whole session, with every DAG paused."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "airflow.cfg").write_text(PATIENT)
    with LocalAirflow(
        home,
        dags=airflow_dags,
        plugins=ROOT / "plugins",
        metadata_url=postgres.url("airflow"),
        environment=airflow_environment,
        hold=[postgres.hold],
    ) as running:
        yield running


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return *base* with *changes*, mapping by mapping."""
    merged = {key: _merged(base.get(key, {}), value) if isinstance(value, dict) else value for key, value in changes.items()}
    return {**base, **merged}
