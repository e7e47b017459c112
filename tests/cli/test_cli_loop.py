"""migrate, simulate, score, retrain and replay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import Result

from perennial.core.receipts import ModelVersion, RequestState, RetrainRequest
from perennial.wiring import holder, open_ledger

Call = Callable[..., Result]
Read = Callable[[Result], Any]

REQUEST = """
INSERT INTO perennial.retrain_request (id, model, segment, at, reason, origin, state)
VALUES ('by_a_test', 'small', 'all', '2024-02-04', 'the test asks', 'test', 'open')
"""


def test_migrating_says_the_version_and_twice_is_once(call: Call, read: Read, empty_url: str) -> None:
    """A ledger is made where there is none, and left alone where it is current."""
    first = call("migrate", PERENNIAL_DATABASE_URL=empty_url)
    again = read(call("migrate", "--json", PERENNIAL_DATABASE_URL=empty_url))

    assert first.stdout == f"the ledger is at version {again['version']}\n"


def test_a_ledger_that_is_not_migrated_names_the_command(call: Call, empty_url: str) -> None:
    """The error is a line and the fix."""
    result = call("models", "list", PERENNIAL_DATABASE_URL=empty_url)

    assert (result.exit_code, result.stdout) == (3, "")
    line, fix = result.stderr.splitlines()
    assert line.startswith("ledger: must have the schema of this code, version ")
    assert line.endswith(", found no tables; run `perennial migrate` [LEDGER_VERSION]")
    assert fix == "  fix: perennial migrate"


def test_simulating_writes_the_tables(call: Call, read: Read, empty_url: str) -> None:
    """Both tables have a row an hour, and the connection's name is not the database's."""
    result = call("simulate", "--days", "30", "--seed", "3", "--connection", "other", PERENNIAL_CONN_OTHER=empty_url)
    told = read(call("simulate", "--days", "30", "--connection", "other", "--json", PERENNIAL_CONN_OTHER=empty_url))

    assert result.stdout.splitlines()[0] == "simulated company in other, seed 3"
    assert told == {"connection": "other", "seed": 7, "rows": {"conditions": 720, "rides": 720}}
    with psycopg.connect(empty_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM conditions").fetchone() == (720,)


def test_a_connection_that_is_not_configured_says_how(call: Call) -> None:
    """The variable's name stands in the fix."""
    result = call("simulate", "--connection", "nowhere", "--days", "30")

    said = "connection nowhere: is not configured [SETTING_MISSING]\n"
    fix = "  fix: set PERENNIAL_CONN_NOWHERE or make an Airflow connection nowhere\n"
    assert (result.exit_code, result.stderr) == (3, said + fix)


@pytest.mark.usefixtures("own_ledger")
def test_a_night_is_scored_and_told_in_a_line(call: Call, read: Read) -> None:
    """The night is given by the date on which it ends; text and JSON tell the same decision."""
    told = read(call("score", "small", "--night", "2024-02-04", "--json"))
    said = call("score", "small", "--night", "2024-02-04").stdout

    assert told["interval"] == {"start": "2024-02-03T00:00:00Z", "end": "2024-02-04T00:00:00Z"}
    assert said == f"2024-02-03 00:00Z to 2024-02-04 00:00Z: {told['action']}: {told['sentence']}\n"


@pytest.mark.usefixtures("own_ledger")
def test_the_last_complete_night_is_scored_where_none_is_named(call: Call, read: Read) -> None:
    """It is the last one of a schedule that has ended."""
    told = read(call("score", "small", "--json"))

    assert told["interval"] == {"start": "2024-02-04T00:00:00Z", "end": "2024-02-05T00:00:00Z"}


@pytest.mark.usefixtures("own_ledger")
def test_a_night_can_be_an_interval(call: Call, read: Read) -> None:
    """It is taken as it stands."""
    told = read(call("score", "small", "--night", "2024-02-03/2024-02-04", "--json"))

    assert told["interval"] == {"start": "2024-02-03T00:00:00Z", "end": "2024-02-04T00:00:00Z"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["score", "small", "--night", "soon"],
            "interval: must be ISO 8601, such as 2024-03-01T02:00Z, got 'soon' [RUN_NO_INTERVAL]",
        ),
        (["score", "Small"], "NAME_INVALID"),
        (["score", "../small"], "NAME_INVALID"),
        (["replay", "small", "--from", "2024-02-03", "--until", "2024-02-01"], "INTERVAL_EMPTY"),
        (["replay", "nobody", "--from", "2024-02-01", "--until", "2024-02-03"], "must be one of small [DEFINITION_MISSING]"),
    ],
)
def test_words_that_cannot_be_meant_are_one_line(call: Call, words: list[str], said: str) -> None:
    """Nothing is written to standard output, and the exit code is 3."""
    result = call(*words)

    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (3, "", 1)
    assert said in result.stderr


@pytest.mark.parametrize(
    "words", [["scor", "small"], ["score"], ["score", "small", "--nigth", "2024-02-01"], ["simulate", "--days", "x"]]
)
def test_words_that_are_off_are_usage_errors(call: Call, words: list[str]) -> None:
    """The exit code is 2, and the usage is shown."""
    result = call(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: perennial")


def test_a_retraining_answers_the_open_request(call: Call, read: Read, own_ledger: str) -> None:
    """It is claimed and settled with what became of it, and its reason is the version's."""
    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        connection.execute(REQUEST)

    told = read(call("retrain", "small", "--until", "2024-02-05", "--reason", "not this one", "--json"))

    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        request = connection.execute("SELECT state, outcome FROM perennial.retrain_request WHERE id = 'by_a_test'").fetchone()
    with open_ledger(own_ledger) as ledger:
        version = ledger.history(ModelVersion, "small", newest=1)[0]
    assert request == ("done", told["sentence"])
    assert (version.request, version.reason) == ("by_a_test", "the test asks")


def test_a_retraining_that_cannot_be_done_settles_its_request(call: Call, own_ledger: str) -> None:
    """A request stays neither open nor claimed; its outcome is the error's line."""
    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        connection.execute(REQUEST)

    result = call("retrain", "small", "--until", "2025-02-05")

    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        request = connection.execute("SELECT state, outcome FROM perennial.retrain_request WHERE id = 'by_a_test'").fetchone()
    assert result.exit_code == 3
    assert request == ("done", result.stderr.rstrip("\n"))


@pytest.mark.usefixtures("own_ledger")
def test_promise_7_a_retraining_within_the_cooldown_is_refused_unless_forced(call: Call, read: Read) -> None:
    """The line says what stands against it and the fix is the option; with it, another retraining is in the ledger."""
    words = ("retrain", "small", "--until", "2024-02-03")
    refused = call(*words)
    forced = read(call(*words, "--force", "--json"))
    again = call(*words)

    line, fix = refused.stderr.splitlines()
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert re.fullmatch(
        r"small: Request \w{32} of 2024-02-01T00:00:00Z is nearer than the cooldown of 3 days, 0:00:00\. "
        r"Use force to retrain all the same\. \[RETRAIN_REFUSED\]",
        line,
    )
    assert fix == "  fix: perennial retrain small --force"
    assert forced["sentence"]
    assert (again.exit_code, again.stdout) == (3, "")


def test_a_dead_calls_request_is_taken_over_with_force(call: Call, own_ledger: str) -> None:
    """Without it, it is left to whoever has it."""
    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        connection.execute(REQUEST)
        connection.execute(
            "UPDATE perennial.retrain_request SET state = 'claimed', claimed_by = 'dead', claimed_at = now() WHERE id = 'by_a_test'"
        )

    refused = call("retrain", "small", "--until", "2024-02-09")
    forced = call("retrain", "small", "--until", "2024-02-05", "--force")

    said = (
        "small: Request by_a_test of 2024-02-04T00:00:00Z is claimed already. Use force to retrain all the same. [RETRAIN_REFUSED]"
    )
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (3, said)
    assert forced.exit_code == 0
    with open_ledger(own_ledger) as ledger:
        assert ledger.history(RetrainRequest, "small")[-1].state is RequestState.DONE


@pytest.mark.parametrize("words", [("score", "small", "--night", "2024-02-04"), ("retrain", "small", "--until", "2024-02-05")])
def test_two_calls_of_one_person_are_kept_apart(call: Call, own_ledger: str, words: tuple[str, ...]) -> None:
    """Another process of the same operator on the same machine holds the lease; the line says until when."""
    with open_ledger(own_ledger) as ledger, ledger.lease("small", "all", words[0], holder("operator"), timedelta(hours=1)):
        result = call(*words)

    assert (result.exit_code, result.stdout) == (4, "")
    assert re.match(rf"small/all/{words[0]}: another run holds it, until \S+Z at the latest; ", result.stderr)


def test_a_run_that_another_one_blocks_may_be_tried_again(call: Call, own_ledger: str) -> None:
    """The exit code of what a retry may help is 4."""
    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        connection.execute(
            "INSERT INTO perennial.lease (model, segment, flow, holder, token, expires_at) "
            "VALUES ('small', 'all', 'score', 'somebody', 99, now() + interval '1 hour') "
            "ON CONFLICT (model, segment, flow) DO UPDATE SET holder = 'somebody', token = 99, expires_at = excluded.expires_at"
        )

    result = call("score", "small", "--night", "2024-02-04")

    assert (result.exit_code, result.stdout) == (4, "")
    assert "[LEASE_HELD]" in result.stderr


@pytest.mark.usefixtures("own_ledger")
def test_a_replay_leaves_kept_nights_out_of_its_table(call: Call, read: Read) -> None:
    """JSON has an entry for each night and retraining; the table has the others, each on one line of 100 columns."""
    words = ("replay", "small", "--from", "2024-01-28", "--until", "2024-02-03")
    events = read(call(*words, "--json"))
    lines = call(*words).stdout.splitlines()

    assert [event["at"] for event in events if event["kind"] == "keep"]
    assert len([event for event in events if event["kind"] != "new champion"]) == 6
    telling = [event for event in events if event["kind"] != "keep"]
    assert len(lines) == 4 + len(telling)
    assert max(map(len, lines)) <= 100
    assert lines[0] == "small, 2024-01-28 00:00Z to 2024-02-03 00:00Z"
    assert lines[3].startswith(f"{telling[0]['at'][:10]} 00:00Z │ {telling[0]['kind']}")
    assert f"{len(events) - len(telling)} keep" in lines[-1]


@pytest.mark.usefixtures("own_ledger")
def test_a_replay_tells_what_cannot_be_done_and_goes_on(call: Call, company: Any, tmp_path: Path) -> None:
    """A column that the source lacks is told for each night, and the exit code is 1."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good.replace("numeric: [temperature, wet]", "numeric: [temperature, wind]"))
    words = ("replay", "small", "--from", "2024-02-01", "--until", "2024-02-03")

    result = call(*words, "--json", PERENNIAL_DEFINITIONS=str(tmp_path))
    shown = call(*words, PERENNIAL_DEFINITIONS=str(tmp_path))

    said = "conditions: wind: must be there, is not [SCHEMA_MISSING]"
    assert [(row["kind"], row["sentence"]) for row in json.loads(result.stdout)] == [("not scored", said)] * 2
    assert (result.exit_code, shown.exit_code) == (1, 1)
    assert shown.stdout.splitlines()[-1] == "2 not scored"


@pytest.mark.usefixtures("own_ledger")
def test_a_replay_tells_which_retraining_was_left_out(call: Call, read: Read, company: Any, tmp_path: Path) -> None:
    """One on schedule that comes within the cooldown, and why."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good.replace('retrain: "0 0 1 * *"', 'retrain: "0 0 2 * *"'))

    events = read(
        call("replay", "small", "--from", "2024-02-01", "--until", "2024-02-02", "--json", PERENNIAL_DEFINITIONS=str(tmp_path))
    )

    assert [event["kind"] for event in events] == [events[0]["kind"], "no retraining"]
    assert re.fullmatch(
        r"Request \w{32} of 2024-02-01T00:00:00Z is nearer than the cooldown of 3 days, 0:00:00\.", events[1]["sentence"]
    )


def test_a_replay_of_no_night_says_so(call: Call) -> None:
    """A time that is shorter than a night holds none."""
    result = call("replay", "small", "--from", "2024-02-03T01:00", "--until", "2024-02-03T05:00")

    assert result.stdout.splitlines()[-1] == "no night lies in this time"


def test_a_definition_with_faults_cannot_be_run(call: Call, company: Any, tmp_path: Path) -> None:
    """All its faults are told, as check tells them."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good + "colour: red\nsize: 3\n")

    result = call("score", "small", PERENNIAL_DEFINITIONS=str(tmp_path))

    assert result.exit_code == 3
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["colour", "size"]
