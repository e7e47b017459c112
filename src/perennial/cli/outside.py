"""others: the rows of a night that belong to no segment."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model, definition_of, night_of
from perennial.cli.console import Json, cell_text, dump, say, table, working

Night = Annotated[
    str | None,
    typer.Option(help="The date on which the night ends, or start/end. Default: the last complete one.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(others)


def others(model: Model, night: Night = None, *, as_json: Json = False) -> None:
    """Count the rows of a night that belong to no segment.

    They are told by the value that they have in the column of the segments, as a person needs it to name a new segment; no other
    value of a row is. The source is read as of the night's end, and nothing is written.
    """
    definition = definition_of(model)
    interval = night_of(definition, night)
    with working(f"reading {model}"), wiring.open_stores() as stores:
        from perennial.steps.others import other_rows  # noqa: PLC0415 - the steps import what is heavy

        found = other_rows(definition, interval, stores, as_of=interval.end)
    values = dict(found.values.most_common())
    if as_json:
        dump({"model": model, "interval": str(interval), "rows": found.rows, "without": found.without, "values": values})
        return
    title = f"{model}, {cell_text(interval)}: {found.rows} rows belong to no segment"
    if not found.rows:
        say(title)
        return
    rows: list[tuple[object, object]] = [*values.items()]
    told = sum(values.values()) + found.without
    rows += [("(none)", found.without)] if found.without else []
    rows += [("(further values)", found.rows - told)] if found.rows > told else []
    table(title, (definition.segments.column if definition.segments else "", "rows"), rows)
