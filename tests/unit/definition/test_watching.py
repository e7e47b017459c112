"""Rules about the further columns that are watched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.definition.loader import load
from perennial.definition.models import WatchedKind
from perennial.definition.schema import schema_json
from perennial.monitoring.counting.kinds import measures

Said = Callable[..., list[str]]
Write = Callable[..., Path]


def watching(columns: str) -> tuple[str, str]:
    """Return the change that watches *columns*."""
    return "retraining:", f"monitoring:\n  columns: {{{columns}}}\nretraining:"


def test_columns_are_read_with_their_kinds(write: Write) -> None:
    """Each is one of five, and none is the default."""
    found = load(write(watching("note: text, fee: numeric, paid: boolean, zone: categorical, paid_at: timestamp")))
    assert [*found.monitoring.columns.values()] == [
        WatchedKind(kind) for kind in ("text", "numeric", "boolean", "categorical", "timestamp")
    ]
    assert load(write()).monitoring.columns == {}


def test_every_kind_is_counted_by_something() -> None:
    """None is offered that the profile does not know."""
    assert all(measures(kind) for kind in WatchedKind)


def test_an_editor_knows_the_kinds() -> None:
    """They stand in the JSON Schema."""
    schema = json.loads(schema_json())
    columns = schema["$defs"]["Monitoring"]["properties"]["columns"]
    assert schema["$defs"]["WatchedKind"]["enum"] == ["numeric", "categorical", "boolean", "text", "timestamp"]
    assert [*columns["patternProperties"].values()] == [{"$ref": "#/$defs/WatchedKind"}]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("bikes: numeric", "bikes: must not hold the target, got 'bikes'; labels are watched as they come [DEFINITION_LEAKAGE]"),
        ("Bikes: numeric", "Bikes: must not hold the target, got 'Bikes'; labels are watched as they come [DEFINITION_LEAKAGE]"),
        ("Wet: boolean", "Wet: must not hold a feature, got 'Wet'; every feature is watched [DEFINITION_RANGE]"),
        ("note: text, Note: text", "Note: must not stand twice, got 'note' and 'Note' [DEFINITION_RANGE]"),
        ("event_at: text", "event_at: must be timestamp here, got text [DEFINITION_RANGE]"),
        ("available_at: numeric", "available_at: must be timestamp here, got numeric [DEFINITION_RANGE]"),
        (
            "note: string",
            "note: must be 'numeric', 'categorical', 'boolean', 'text' or 'timestamp', got 'string' [DEFINITION_RANGE]",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused(said: Said, columns: str, expected: str) -> None:
    """Each says where, what was found and what is allowed."""
    assert said(watching(columns)) == [f"33: monitoring.columns.{expected}"]


def test_a_watched_column_of_a_file_is_declared_with_a_type_that_fits(said: Said) -> None:
    """As every column that is read."""
    declared = "station: text, event_at: moment, available_at: moment, temperature: number, wet: boolean, bikes: integer, fee: text"
    files = ("  table: demand", f"  path: demand\n  columns: {{{declared}, paid: number}}")
    assert said(files, watching("note: text, fee: numeric, paid: boolean")) == [
        "9: source.columns: must name every column that is read, does not name 'note' [DEFINITION_MISSING]",
        "9: source.columns.fee: must be number or integer or boolean here, got text [DEFINITION_RANGE]",
        "9: source.columns.paid: must be boolean or integer here, got number [DEFINITION_RANGE]",
    ]
