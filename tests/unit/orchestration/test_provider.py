"""What the wheel tells Airflow: the plugin, the kinds of connections with their forms, and the command."""

from __future__ import annotations

import argparse
import json
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # its stubs are a package of their own, for this one call
import pytest
from airflow.cli.cli_parser import _add_command
from airflow.sdk._shared.secrets_masker import redact

from perennial.orchestration.command import commands
from perennial.orchestration.connection_kinds import Files
from perennial.orchestration.connections import connection_url
from perennial.orchestration.provider import DATABASE, FILES, provider_info

ROOT = Path(__file__).parents[3]


def _found(path: str) -> Any:
    module, _, name = path.replace(":", ".").rpartition(".")
    return getattr(import_module(module), name)


def test_the_entry_points_are_there() -> None:
    """Each names something that is, and the provider bears the name of the wheel, or Airflow would refuse to start."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]
    assert _found(points["apache_airflow_provider"]["provider_info"])()["package-name"] == project["name"]
    assert _found(points["airflow.plugins"]["perennial"]).name == "perennial"


def test_airflow_takes_the_description() -> None:
    """By its own schema; hooks and commands that it names are there."""
    described = provider_info()
    schema = json.loads((Path(str(import_module("airflow").__file__)).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(described, schema)
    for kind in described["connection-types"]:
        hook = _found(kind["hook-class-name"])
        assert (hook.conn_type, hook.hook_name) == (kind["connection-type"], kind["hook-name"])
    assert [command.name for path in described["cli"] for command in _found(path)()] == ["perennial"]


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        (FILES, "file:///var/lib/bikes"),
        (FILES, "s3://bikes/raw"),
        (DATABASE, "duckdb:////var/lib/bikes.duckdb"),
        (DATABASE, "postgresql+psycopg://reader:p%40ss@db/bikes?sslmode=require"),
    ],
)
def test_a_connection_of_our_kinds_is_its_address(monkeypatch: pytest.MonkeyPatch, kind: str, address: str) -> None:
    """As it was typed into the form; a database's is where Airflow keeps passwords."""
    given = {"extra": {"place": address}} if kind == FILES else {"password": address}
    monkeypatch.setenv("AIRFLOW_CONN_BIKES", json.dumps({"conn_type": kind, **given}))
    assert connection_url("bikes") == address
    assert Files("bikes").get_conn() == address


def test_a_password_in_an_address_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, too: an error of a driver may show a part of the address."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_BIKES", json.dumps({"conn_type": DATABASE, "password": "postgresql://reader:p%40ssword-7@db/bikes"})
    )
    connection_url("bikes")
    assert redact("user=reader password=p@ssword-7 host=db") == "user=reader password=*** host=db"


def test_a_connection_of_another_kind_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the driver that SQLAlchemy wants."""
    monkeypatch.setenv("AIRFLOW_CONN_BIKES", "postgres://reader@db/bikes")
    assert connection_url("bikes") == "postgresql+psycopg://reader@db/bikes"


@pytest.mark.parametrize("words", [["doctor", "--audit"], ["--help"], ["check", "-v", "--", "--odd"], []])
def test_airflow_s_command_hands_every_word_on(words: list[str]) -> None:
    """Options too, which are not Airflow's to understand."""
    parser = argparse.ArgumentParser(prog="airflow")
    _add_command(parser.add_subparsers(), commands()[0])
    assert parser.parse_args(["perennial", *words]).words == words
