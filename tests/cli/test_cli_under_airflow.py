"""``airflow perennial ...``: a verb finds the sources that Airflow has connections to."""

from __future__ import annotations

import json
import logging
import sys
from argparse import Namespace
from importlib import import_module
from typing import Any

import pytest

from perennial.cli.under_airflow import run

WORDS = ["suggest", "small", "--until", "2024-02-01", "--days", "20"]


@pytest.fixture
def of_airflow(company: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a company whose source nobody but Airflow knows; the address of that."""
    for name, value in company.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PERENNIAL_CONN_BIKES")
    address: str = company.environment["PERENNIAL_CONN_BIKES"]
    return address


def test_a_verb_reads_the_source_behind_an_airflow_connection(
    of_airflow: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a task does."""
    monkeypatch.setenv("AIRFLOW_CONN_BIKES", json.dumps({"conn_type": "perennial_database", "password": of_airflow}))
    with pytest.raises(SystemExit) as ended:
        run(Namespace(words=WORDS))
    assert (ended.value.code, "expect_column" in capsys.readouterr().out) == (0, True)


def test_a_source_that_nobody_knows_is_missing(
    of_airflow: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Airflow's form was left empty, and no variable is set: the advice is about both."""
    monkeypatch.setenv("AIRFLOW_CONN_BIKES", json.dumps({"conn_type": "perennial_database"}))
    with pytest.raises(SystemExit) as ended:
        run(Namespace(words=WORDS))
    said = capsys.readouterr().err
    assert of_airflow not in said
    assert (ended.value.code, "connection bikes: is not configured [SETTING_MISSING]" in said) == (3, True)
    assert "set PERENNIAL_CONN_BIKES or make an Airflow connection bikes" in said


def test_airflow_s_log_stays_out_of_what_a_verb_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to standard output there; here it warns on the other, or no program could read the JSON."""
    import_module("airflow.sdk")  # it sets the log up
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stdout)])
    with pytest.raises(SystemExit):
        run(Namespace(words=["schema"]))
    chatty = logging.getLogger("chatty")
    chatty.setLevel(logging.INFO)
    chatty.info("something goes on")
    chatty.warning("something is odd")
    out, err = capsys.readouterr()
    assert json.loads(out)["title"] == "Definition"
    assert err == "something is odd\n"
