"""quarantine and release: what was refused of a night, and a person's word on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Call = Callable[..., Result]
Read = Callable[[Result], Any]
NIGHT = ("--night", "2024-02-04")
FROST = """\
  - type: expect_column_values_to_be_between
    arguments: {column: temperature, min_value: 90, max_value: 99}
    "on": score
"""


@pytest.fixture
def refused(environment: dict[str, str], own_ledger: str, tmp_path: Path, call: Call) -> Call:
    """A night of which the definition believes no temperature at all."""
    assert own_ledger
    text = (Path(environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(text.replace("evaluation:\n", f"{FROST}evaluation:\n"))
    environment["PERENNIAL_DEFINITIONS"] = str(tmp_path)
    scored = call("score", "small", *NIGHT)
    assert "quarantine: " in scored.stdout, scored.output
    return call


def test_the_reasons_of_a_refused_night_are_shown(refused: Call, read: Read) -> None:
    """Counts by reason, and no value of a row."""
    shown = refused("quarantine", "small", *NIGHT)
    told = read(refused("quarantine", "small", *NIGHT, "--json"))
    assert shown.stdout.splitlines()[0] == "2024-02-03 00:00Z to 2024-02-04 00:00Z: fail, 24 of 24 rows in quarantine"
    assert shown.stdout.splitlines()[-1] == f"the rows: artifact {told['quarantine']}"
    assert told["reasons"] == {"temperature is outside 90 .. 99": 24}


def test_a_released_night_is_scored_at_once_and_can_be_taken_back(refused: Call) -> None:
    """Each with its reason, by whoever says so."""
    released = refused("release", "small", *NIGHT, "--reason", "it was so", "--actor", "ana")
    after = refused("quarantine", "small", *NIGHT)
    back = refused("release", "small", *NIGHT, "--undo", "--reason", "it was not")
    assert released.stdout.splitlines()[0] == "released: expect_column_values_to_be_between temperature"
    assert ": quarantine: " not in released.stdout
    assert after.stdout.splitlines()[0] == "2024-02-03 00:00Z to 2024-02-04 00:00Z: pass, 0 of 24 rows in quarantine"
    assert back.stdout.splitlines()[0] == "refused again: expect_column_values_to_be_between temperature"
    assert ": quarantine: " in back.stdout


def test_what_nothing_is_refused_by_cannot_be_released(refused: Call) -> None:
    """The message names what can."""
    result = refused("release", "small", *NIGHT, "--reason", "r", "--finding", "quality.units humidity")
    where = "small 2024-02-03T00:00:00Z/2024-02-04T00:00:00Z"
    can = "must be a finding by which something is refused (expect_column_values_to_be_between temperature)"
    assert (result.exit_code, result.stderr) == (3, f"{where}: {can}, got quality.units humidity [MODEL_UNKNOWN]\n")


def test_a_taken_back_release_names_no_finding(refused: Call) -> None:
    """All that was released goes."""
    result = refused("release", "small", *NIGHT, "--reason", "r", "--undo", "--finding", "quality.volume")
    assert result.exit_code == 2
    assert "goes not with --finding" in result.stderr


def test_a_night_that_nobody_validated_has_no_quarantine(call: Call) -> None:
    """The message says so."""
    result = call("quarantine", "small", "--night", "2024-01-10")
    where = "small 2024-01-09T00:00:00Z/2024-01-10T00:00:00Z"
    assert (result.exit_code, result.stderr) == (3, f"{where}: the night was not validated [MODEL_UNKNOWN]\n")
