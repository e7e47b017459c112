"""models card, and the importance in models show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

Call = Callable[..., Result]
Read = Callable[[Result], Any]


def test_a_card_is_printed_in_markdown(call: Call, company: Any) -> None:
    """With everything, from the purpose to the names under which it is kept."""
    result = call("models", "card", company.first)

    lines = result.stdout.splitlines()
    assert (result.exit_code, result.stderr) == (0, "")
    assert lines[:3] == ["# Bike demand by the hour", "", f"Model card of version {company.first}."]
    assert "| purpose | Vans for the morning. |" in lines
    assert "## What it looks at" in lines
    assert lines[-1].startswith("| profile | ")


def test_a_card_is_the_same_in_json(call: Call, read: Read, company: Any) -> None:
    """With the version, its figures and its reigns."""
    told = read(call("models", "card", company.first, "--json"))

    assert told["version"]["id"] == company.first
    assert told["evaluation"]["challenger"] == company.first
    assert [(row["promotion"]["epoch"], row["until"]) for row in told["reigns"]] == [(1, "2024-02-01T00:00:00Z")]
    assert set(told["evaluation"]["importance"]) == {"temperature", "wet", "hour", "weekend"}


def test_a_card_goes_into_a_file(call: Call, company: Any, tmp_path: Path) -> None:
    """What is there already is replaced only by force."""
    file = tmp_path / "card.md"
    first = call("models", "card", company.first, "--output", str(file))
    text = file.read_text()
    second = call("models", "card", company.second, "--output", str(file))

    assert (first.exit_code, first.stdout) == (0, f"card of {company.first} written to {file}\n")
    assert text == call("models", "card", company.first).stdout
    assert (second.exit_code, second.stdout) == (3, "")
    assert second.stderr == f"{file}: is there already [STORE_REJECTED]\n  fix: Choose another name, or add --force.\n"
    assert file.read_text() == text
    assert call("models", "card", company.second, "--output", str(file), "--force", "--json").exit_code == 0
    assert json.loads(file.read_text())["version"]["id"] == company.second


def test_no_version_no_card(call: Call) -> None:
    """One line, and no file."""
    result = call("models", "card", "small-nothing")

    said = "ledger: there is no ModelVersion 'small-nothing' [MODEL_UNKNOWN]\n"
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", said)


def test_a_version_is_shown_with_what_it_looks_at(call: Call, company: Any) -> None:
    """The columns stand in the order of their importance."""
    lines = call("models", "show", company.first).stdout.splitlines()

    start = lines.index("importance: what the loss grows by without it")
    rows = [[cell.strip() for cell in line.split("│")] for line in lines[start + 3 : start + 7]]
    assert sorted(row[0] for row in rows) == ["hour", "temperature", "weekend", "wet"]
    means = [float(row[1]) for row in rows]
    assert means == sorted(means, reverse=True)
