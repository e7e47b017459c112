"""monitor, explain and calibrate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import Result

from perennial.cli.console import say, table
from perennial.core.receipts import Action, Decision, Measurement, RetrainRequest
from perennial.stores.ledger import PostgresLedger

Call = Callable[..., Result]
Read = Callable[[Result], Any]


def counted(url: str) -> dict[str, int]:
    """Return how many records of each kind the ledger holds."""
    with closing(PostgresLedger.open(url)) as ledger:
        return {kind.__name__: len(ledger.history(kind, "small")) for kind in (Measurement, Decision, RetrainRequest)}


def test_a_night_is_measured_and_nothing_is_decided(call: Call, read: Read, own_ledger: str) -> None:
    """What was recorded of the night comes out again, as it is the same night."""
    before = counted(own_ledger)
    told = read(call("monitor", "small", "--night", "2024-02-01", "--json"))
    with closing(PostgresLedger.open(own_ledger)) as ledger:
        (decision,) = [one for one in ledger.history(Decision, "small") if one.interval.end.day == 1]
        stands = ledger.get(Measurement, decision.measurement)
    assert told == {"measurement": stands.model_dump(mode="json"), "in_database": None}
    assert counted(own_ledger) == before


def test_the_columns_of_a_night_come_worst_first(call: Call, read: Read) -> None:
    """With what is allowed; the signals follow, and how many labels have come."""
    told = read(call("monitor", "small", "--json"))["measurement"]
    said = call("monitor", "small", COLUMNS="220").stdout.splitlines()
    assert said[0] == f"2024-02-02 00:00Z to 2024-02-03 00:00Z, champion {told['version']}"
    assert [cell.strip() for cell in said[1].split("┃")] == ["column", "PSI", "allowed", "rows", "state", "what moved"]
    worst = sorted(told["drift"], key=lambda one: ((one["beside"] or {"p_value": 1.0})["p_value"], -(one["psi"] or 0.0)))
    assert [line.split("│")[0].strip() for line in said[3 : 3 + len(worst)]] == [one["column"] for one in worst]
    assert "signals" in said
    assert said[-1].startswith("labels: ")


def test_a_night_that_was_not_scored_cannot_be_measured(call: Call) -> None:
    """There is nothing to measure it from."""
    result = call("monitor", "small", "--night", "2024-01-10")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "[MODEL_UNKNOWN]" in result.stderr


@pytest.mark.parametrize("verb", ["monitor", "explain"])
def test_a_model_without_nights_has_nothing_to_show(call: Call, ledger_url: str, verb: str) -> None:
    """One line says so."""
    result = call(verb, "small", PERENNIAL_DATABASE_URL=ledger_url)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (3, "", 1)
    assert "[MODEL_UNKNOWN]" in result.stderr


def test_the_database_counts_what_was_extracted(call: Call, read: Read) -> None:
    """The same rows over the same bins, without their leaving it."""
    told = read(call("monitor", "small", "--in-database", "--json"))["in_database"]
    said = call("monitor", "small", "--in-database").stdout.splitlines()
    assert told == {"rows": 24, "extracted": 24, "columns": {}}
    assert said[-1] == "in the database: 24 rows, counted as those that were extracted are"


@pytest.fixture
def own_source(postgres: Any, environment: dict[str, str]) -> str:
    """Give the test a copy of the source that it may change, and return its URL."""
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS cli_bikes_copy")
        connection.execute("CREATE DATABASE cli_bikes_copy TEMPLATE cli_bikes")
    environment["PERENNIAL_CONN_BIKES"] = postgres.url("cli_bikes_copy")
    return environment["PERENNIAL_CONN_BIKES"]


def test_a_source_that_was_rewritten_is_counted_otherwise(call: Call, own_source: str) -> None:
    """The columns that differ, and in how many rows; the exit code tells a script."""
    with psycopg.connect(own_source.replace("+psycopg", "")) as connection:
        connection.execute("""
            UPDATE conditions SET temperature = temperature + 40
            WHERE event_at >= '2024-02-02 00:00Z' AND event_at < '2024-02-02 05:00Z'
        """)
    result = call("monitor", "small", "--in-database")
    lines = result.stdout.splitlines()
    assert (result.exit_code, "in the database: 24 rows, 24 were extracted" in lines) == (1, True)
    assert [cell.strip() for cell in lines[-1].split("│")] == ["temperature", "5"]


def test_a_night_is_explained(call: Call, read: Read) -> None:
    """The decision with every signal, what would have changed it, and the ids that lead on."""
    told = read(call("explain", "small", "--night", "2024-02-01", "--json"))
    said = call("explain", "small", "--night", "2024-02-01", COLUMNS="220").stdout
    decision = told["decision"]
    assert decision["interval"]["end"] == "2024-02-01T00:00:00Z"
    assert said.splitlines()[0] == f"2024-01-31 00:00Z to 2024-02-01 00:00Z: {decision['action']} ({decision['rule']})"
    assert said.splitlines()[1] == decision["sentence"]
    for signal in decision["signals"]:
        assert f" {signal['n']} {'night' if (signal['n'], signal['unit']) == (1, 'nights') else signal['unit']} " in said
    assert decision["otherwise"]
    for one in decision["otherwise"]:
        assert one in said
    for which in (decision["id"], decision["measurement"], told["snapshot"], told["validation"], told["version"], *told["batches"]):
        assert which in said
    assert (told["before"], told["asked"]) == (0, None)


def test_the_newest_night_is_explained_where_none_is_named(call: Call, read: Read) -> None:
    """As it is with the other verbs."""
    assert read(call("explain", "small", "--json"))["decision"]["interval"]["end"] == "2024-02-03T00:00:00Z"


@pytest.mark.usefixtures("own_ledger")
def test_an_explanation_follows_a_request_to_its_answer(
    call: Call, read: Read, environment: dict[str, str], tmp_path: Path
) -> None:
    """The champion is too old by a changed definition: the night asks, is answered, and the explanation names the gates."""
    changed = (
        (Path(environment["PERENNIAL_DEFINITIONS"]) / "small.yml")
        .read_text()
        .replace("cooldown: 3d", "cooldown: 1d\n  max_age: 1h")
    )
    (tmp_path / "small.yml").write_text(changed)
    environment["PERENNIAL_DEFINITIONS"] = str(tmp_path)
    decision = read(call("score", "small", "--night", "2024-02-04", "--json"))
    assert decision["action"] == Action.RETRAIN.value
    waiting = call("explain", "small").stdout
    assert f"request {decision['request']} of 2024-02-04 00:00Z: open" in waiting
    assert call("retrain", "small").exit_code == 0
    told = read(call("explain", "small", "--json"))["asked"]
    said = call("explain", "small", COLUMNS="220").stdout
    (answer,) = told["answers"]
    assert (told["request"], told["state"], told["at"]) == (decision["request"], "done", "2024-02-04T00:00:00Z")
    assert answer["epoch"] == 3
    assert f"answer: {answer['version']}, pass, champion from epoch 3 on" in said
    assert answer["gates"]["infrastructure"] == "pass"


def test_settings_are_tried_on_the_nights_that_were(call: Call, read: Read) -> None:
    """The budget, and the thresholds in common use; few nights are said to be too few."""
    told = read(call("calibrate", "small", "--json"))
    said = call("calibrate", "small").stdout.splitlines()
    assert (told["nights"], told["champions"]) == (6, 2)
    assert [one["signal"] for one in told["raised"]][-2:] == ["all columns together", "any of them"]
    assert said[0] == "alarms a year as they were, of all signals; 1 false ones a year are allowed"
    assert "insufficient evidence" in next(line for line in said if line.startswith("label drift"))
    assert [one["setting"] for one in told["settings"]] == ["budget", "PSI 0.1", "PSI 0.2", "PSI 0.25"]
    assert [one["column"] for one in told["shifts"]] == ["temperature", "wet"]
    assert said[-1] == "Gather more nights: 6 were counted under a champion, 7 are needed to say anything."


def test_a_hostile_name_is_spelled_out_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Categories come from data and stand in sentences: no colour, no bell, no reversed writing, no markup comes of them."""
    name = "[bold]x\x1b[31m\x07\u202e[/bold]"
    say(name)
    table(name, ("column", "what moved"), [(name, f"{name}: 4 % before")])
    said = capsys.readouterr().out
    spelled = "[bold]x\\x1b[31m\\x07\\u202e[/bold]"
    assert said.count(spelled) == 4
    assert [one for one in said if not one.isprintable() and one != "\n"] == []


def test_a_model_without_nights_has_no_settings_to_try(call: Call, ledger_url: str) -> None:
    """Which is no error."""
    result = call("calibrate", "small", PERENNIAL_DATABASE_URL=ledger_url)
    expected = "Gather more nights: 0 were counted under a champion, 7 are needed to say anything.\n"
    assert (result.exit_code, result.stdout) == (0, expected)
