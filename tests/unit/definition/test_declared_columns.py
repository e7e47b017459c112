"""Rules about the columns that a definition declares of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from perennial.definition.loader import load
from perennial.definition.models import ColumnType

Said = Callable[..., list[str]]
Write = Callable[..., Path]
COLUMNS = "station: text, event_at: moment, available_at: moment, temperature: number, wet: boolean, bikes: integer"


def files(columns: str) -> tuple[str, str]:
    """Return the change that reads files with *columns* instead of a table."""
    return "  table: demand", f"  path: demand\n  columns: {{{columns}}}"


def test_columns_are_read_as_they_are_written(write: Write) -> None:
    """Each is one of six types; further ones than those that are read are declared too."""
    declared = load(write(files(f"{COLUMNS}, note: text, day: date"))).source.columns
    assert declared is not None
    assert [declared[name] for name in ("station", "day", "bikes")] == [ColumnType.TEXT, ColumnType.DATE, ColumnType.INTEGER]


def test_a_type_that_is_none_is_refused_with_those_that_are(said: Said) -> None:
    """And so is a column that no database could have."""
    assert said(files(COLUMNS.replace("temperature: number", "temperature: float"))) == [
        (
            "9: source.columns.temperature: must be 'number', 'integer', 'text', 'moment', 'boolean' or 'date', got 'float' "
            "[DEFINITION_RANGE]"
        )
    ]


def test_every_column_that_is_read_is_declared(said: Said) -> None:
    """Features, keys, moments, the label, and what expectations speak about: all that are missing are named."""
    assert said(files("event_at: moment, available_at: moment"), ("column: temperature", "column: humidity")) == [
        f"9: source.columns: must name every column that is read, does not name '{name}' [DEFINITION_MISSING]"
        for name in ("station", "wet", "humidity", "temperature", "bikes")
    ]


def test_columns_have_a_type_that_fits_their_use(said: Said) -> None:
    """A moment is a moment, and a numeric feature and the label are numbers."""
    wrong = "station: text, event_at: date, available_at: moment, temperature: text, wet: text, bikes: moment"
    assert said(files(wrong)) == [
        "9: source.columns.temperature: must be number or integer or boolean here, got text [DEFINITION_RANGE]",
        "9: source.columns.event_at: must be moment here, got date [DEFINITION_RANGE]",
        "9: source.columns.bikes: must be number or integer or boolean here, got moment [DEFINITION_RANGE]",
    ]


def test_a_table_has_no_declared_columns(said: Said) -> None:
    """The database knows them, and has others that nobody reads."""
    assert said(("  table: demand", f"  table: demand\n  columns: {{{COLUMNS}}}")) == [
        "9: source.columns: must only be given with path: a database knows the types of its columns [DEFINITION_RANGE]"
    ]


def test_the_labels_own_files_have_columns_of_their_own(said: Said) -> None:
    """They need those that are read of them."""
    own = "  source: {connection: demo, path: trips, entity: [stop], event_at: ended_at, columns: {stop: text, ended_at: text}}"
    assert said(("  delay: 24h", f"  delay: 24h\n{own}")) == [
        "14: label.source.columns.ended_at: must be moment here, got text [DEFINITION_RANGE]",
        "14: label.source.columns: must name every column that is read, does not name 'bikes' [DEFINITION_MISSING]",
    ]
