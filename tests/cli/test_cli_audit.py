"""doctor --audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import Result

Call = Callable[..., Result]
Read = Callable[[Result], Any]


def test_a_company_that_ran_for_a_week_keeps_its_promises(call: Call, read: Read) -> None:
    """One line says how much was looked at; the exit code is 0."""
    result = call("doctor", "--audit")
    told = read(call("doctor", "--audit", "--json"))

    counts = {name: told[name] for name in ("promotions", "batches", "predictions", "artifacts")}
    words = ", ".join(f"{count} {name}" for name, count in counts.items())
    assert (result.exit_code, result.stdout) == (0, f"every promise holds: {words} looked at\n")
    assert told["faults"] == []
    assert counts["promotions"] == 2
    assert min(counts.values()) >= 2


def test_what_does_not_hold_is_a_row_of_the_table(call: Call, own_ledger: str) -> None:
    """With its promise, its place and what was found; the exit code is 1."""
    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE perennial.prediction_batch SET rows = rows + 1 WHERE number = 1")
        [(batch,)] = connection.execute("SELECT id FROM perennial.prediction_batch WHERE number = 1").fetchall()
    result = call("doctor", "--audit", COLUMNS="200")
    told = json.loads(call("doctor", "--audit", "--json").stdout)

    assert result.exit_code == call("doctor", "--audit", "--json").exit_code == 1
    [fault] = told["faults"]
    assert (fault["promise"], fault["where"].endswith(f": batch {batch}")) == (4, True)
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0] == "promises that do not hold"
    assert [cell.strip() for cell in lines[-1].split("│")] == ["4", fault["where"], fault["found"]]


def test_a_shallow_audit_does_not_read_what_is_there(call: Call, company: Any) -> None:
    """A deep one does."""
    folder = Path(company.environment["PERENNIAL_HOME"]) / "artifacts"
    path = next(path for path in sorted(folder.glob("??/*")) if path.read_bytes().startswith(b"PAR1"))
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:-1] + b"?")
    codes = [call("doctor", "--audit", *more).exit_code for more in ([], ["--shallow"])]
    path.write_bytes(content)
    path.chmod(0o444)

    assert codes == [1, 0]


def test_shallow_alone_is_a_usage_error(call: Call) -> None:
    """It says how deep an audit looks."""
    result = call("doctor", "--shallow")

    assert result.exit_code == 2
    assert "goes with --audit" in result.stderr


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_an_audit_that_cannot_look_is_an_error(call: Call, words: list[str]) -> None:
    """Not a list of faults."""
    result = call("doctor", "--audit", *words, PERENNIAL_DATABASE_URL="postgresql://ada:hunter2@127.0.0.1:1/ledger")

    assert (result.exit_code, result.stdout) == (4, "")
    assert "STORE_UNAVAILABLE" in result.stderr
    assert "hunter2" not in result.stderr
