"""Segments: the parts of the entities with a model of their own each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.core.errors import RejectedError
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.definition.schema import schema_json
from perennial.definition.segment_of import segment_of

Said = Callable[..., list[str]]
Write = Callable[..., Path]


def segmented(values: str, *, column: str = "region", others: str = "refused") -> tuple[str, str]:
    """Return the change that splits the model."""
    return "features:", f"segments:\n  column: {column}\n  others: {others}\n  values: {{{values}}}\nfeatures:"


def test_segments_are_read_by_their_names(write: Write) -> None:
    """In the order in which they stand; without any there is one for all."""
    found = load(write(segmented("south: 'South & West', north: North")))
    assert found.segment_names == ("south", "north")
    assert found.segments is not None
    assert found.segments.values == {"south": "South & West", "north": "North"}
    numbered = load(write(segmented("s7: 7, s8: -8"))).segments
    assert numbered is not None
    assert numbered.values == {"s7": 7, "s8": -8}
    assert load(write()).segment_names == ("all",)


def test_a_definition_is_kept_with_its_segments(write: Write) -> None:
    """And one without keeps the digest that it had before there were any."""
    found = load(write(segmented("south: South, north: North")))
    assert Definition.model_validate_json(found.content) == found
    assert "segments" not in json.loads(load(write()).content)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (segmented("north: North, south: North"), "values.south: must be of one segment, 'North' is of 'north', too"),
        (segmented("north: North, south: 7"), "values.south: must be text, as the others are, got 7"),
        (segmented("north: 7, south: South"), "values.south: must be a whole number, as the others are, got 'South'"),
        (segmented("north: 1.5"), "values.north: must be text or a whole number, got 1.5"),
        (segmented("north: true"), "values.north: must be text or a whole number, got true"),
        (segmented("north: 'a\\b'"), "values.north: must not hold backslashes, got 'a\\\\b'"),
        (segmented(f"north: {'n' * 201}"), "values.north: must have at most 200 characters, got 201"),
        (segmented("north: ' '"), "values.north: must not be blank"),
        (segmented("all: North"), "values.all: must not be 'all', which stands for the whole of a model without segments"),
        (segmented(""), "values: must have at least 1 of them, got 0"),
        (segmented("n: X", column="bikes"), "column: must not be the target, got 'bikes'"),
        (segmented("n: X", column="event_at"), "column: must not be the column of event_at, got 'event_at'"),
        (segmented("n: X", column="Available_at"), "column: must not be the column of available_at, got 'available_at'"),
        (segmented("n: X", others="kept"), "others: must be 'refused' or 'left_out', got 'kept'"),
    ],
)
def test_what_is_no_segment_is_refused(said: Said, change: tuple[str, str], expected: str) -> None:
    """Each says where, what was found and what is allowed."""
    [line] = said(change)
    assert line.partition(" segments.")[2].rpartition(" [")[0] == expected


def test_a_name_is_safe(said: Said) -> None:
    """It stands in paths, addresses and ids."""
    [line] = said(segmented("'../North': North"))
    assert "segments.values" in line
    assert line.endswith("[NAME_INVALID]")


def test_the_column_of_segments_is_nothing_else(said: Said) -> None:
    """All that is wrong is told at once: in each segment it has one value."""
    found = said(
        segmented("north: X, south: X", column="wet"),
        ("  report: [rmse]", "  report: [rmse]\n  slices: [Wet]"),
        ("retraining:", "monitoring:\n  columns: {WET: categorical}\nretraining:"),
    )
    message = "must not hold the column of the segments, which has one value in each of them, got"
    assert [line.split(": ", 1)[1] for line in found] == [
        "segments.values.south: must be of one segment, 'X' is of 'north', too [DEFINITION_RANGE]",
        f"features.categorical[0]: {message} 'wet' [DEFINITION_RANGE]",
        f"evaluation.slices[0]: {message} 'Wet' [DEFINITION_RANGE]",
        "monitoring.columns.WET: must not hold a feature, got 'WET'; every feature is watched [DEFINITION_RANGE]",
        f"monitoring.columns.WET: {message} 'WET' [DEFINITION_RANGE]",
    ]


def test_a_declared_column_of_segments_has_a_type_that_fits(said: Said) -> None:
    """A text is never a number, in the source and where labels come from."""
    columns = "station: text, event_at: moment, available_at: moment, temperature: number, wet: boolean"
    labels = (
        "path: labels\n    connection: demo\n    entity: [station]\n    columns: {station: text, event_at: moment, bikes: integer}"
    )
    found = said(
        ("  table: demand", f"  path: demand\n  columns: {{{columns}, region: integer}}"),
        ("  column: bikes", f"  column: bikes\n  source:\n    {labels}"),
        segmented("north: North"),
    )
    assert [line.split(": ", 1)[1] for line in found] == [
        "source.columns.region: must be text here, got integer [DEFINITION_RANGE]",
        "label.source.columns: must name every column that is read, does not name 'region' [DEFINITION_MISSING]",
    ]


def test_an_editor_knows_segments() -> None:
    """They stand in the JSON Schema, at most 500 of them."""
    values = json.loads(schema_json())["$defs"]["Segments"]["properties"]["values"]
    assert (values["minProperties"], values["maxProperties"]) == (1, 500)


def test_a_segment_is_found_by_its_name(write: Write) -> None:
    """The only one needs no name; else what there is, and what was meant, is told."""
    whole = load(write())
    split = load(write(segmented("north: North, south: South")))
    assert (segment_of(whole, None), segment_of(whole, "all"), segment_of(split, "north")) == ("all", "all", "north")
    for name, expected in (
        (None, "has several segments, of which one must be named; must be one of north, south"),
        ("all", "is none of its segments, got 'all'; must be one of north, south"),
        ("nort", "is none of its segments, got 'nort', did you mean north?"),
    ):
        with pytest.raises(RejectedError) as error:
            segment_of(split, name)
        assert str(error.value) == f"bike_demand: {expected} [SEGMENT_UNKNOWN]"


def test_of_many_segments_a_few_are_told(write: Write) -> None:
    """A message of five hundred names helps nobody."""
    many = load(write(segmented(", ".join(f"s{number}: {number}" for number in range(20)))))
    with pytest.raises(RejectedError, match="s11 and 8 more"):
        segment_of(many, None)
