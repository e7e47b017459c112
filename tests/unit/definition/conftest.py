"""A definition that has no fault, and a way to put some in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.core.errors import DefinitionError
from perennial.definition.loader import load

GOOD = """\
name: bike_demand
title: Bikes per station and hour
purpose: Staff the vans for the next day
owner: fleet team
kpi: {name: empty stations, approximation: the mean error is how many bikes are missing}
source:
  connection: demo
  table: demand
  entity: [station]
  available_at: available_at
label:
  column: bikes
  delay: 24h
features:
  numeric: [temperature]
  categorical: [wet]
  time: [hour, weekday]
schedule:
  score: "0 2 * * *"
  retrain: "0 4 * * 1"
  timezone: Europe/Berlin
  start: 2024-01-01
  window: {kind: sliding, length: 60d}
expectations:
  - type: expect_column_values_to_not_be_null
    arguments: {column: temperature}
    on: both
evaluation:
  metric: mae
  report: [rmse]
  holdout: 14d
retraining:
  cooldown: 7d
"""

Write = Callable[..., Path]
Said = Callable[..., list[str]]


@pytest.fixture
def good() -> str:
    """The text of a definition that has no fault; its name is bike_demand."""
    return GOOD


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the good definition with (old, new) texts exchanged, and return its path below the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = Path("config/models")
    folder.mkdir(parents=True)

    def write(*changes: tuple[str, str], name: str = "bike_demand") -> Path:
        text = GOOD
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = folder / f"{name}.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def said(write: Write) -> Said:
    """What the loader says about the good definition with texts exchanged, line by line, without the file's name."""

    def said(*changes: tuple[str, str]) -> list[str]:
        path = write(*changes)
        with pytest.raises(DefinitionError) as caught:
            load(path)
        return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]

    return said
