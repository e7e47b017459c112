"""suggest: expectations for a person to edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model, cut_off, definition_of
from perennial.cli.console import Json, dump, say, working
from perennial.cli.segments import Segment, segment_named
from perennial.core.interval import Interval, moment

if TYPE_CHECKING:
    from perennial.quality.proposals import Proposal


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(suggest)


def suggest(
    model: Model,
    segment: Segment = None,
    start: Annotated[str | None, typer.Option("--from", help="Where the history begins.", show_default=False)] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Where it ends. Default: with the last complete night.", show_default=False)
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=5000, help="How many days back it begins, without --from.")] = 90,
    *,
    as_json: Json = False,
) -> None:
    """Propose expectations from a model's history.

    They are YAML to edit and to paste into the definition, each with a comment that says what was seen. Ranges, counts and the
    names of categories are printed, as a person needs them to judge; no other value of a row is. A model with segments has the same
    expectations for each; here the history of one is looked at.
    """
    definition = definition_of(model)
    named, end = segment_named(definition, segment), cut_off(definition, until)
    within = Interval(moment(start) if start is not None else end - timedelta(days=days), end)
    with wiring.open_stores() as stores, working(f"reading {model}"):
        from perennial.steps.suggest import suggest as run  # noqa: PLC0415 - the steps import what is heavy

        found = run(definition, within, stores, as_of=end, segment=named)
    if as_json:
        dump([{"type": one.type, "arguments": dict(one.arguments), "on": one.on, "seen": one.seen} for one in found])
        return
    say(f"# {within}")
    say("expectations:")
    for line in _lines(found):
        say(line)


def _lines(found: list[Proposal]) -> Iterator[str]:
    for one in found:
        yield f"  # {one.seen}"
        if one.type:
            yield f"  - type: {one.type}"
            yield f"    arguments: {{{', '.join(f'{name}: {_yaml(value)}' for name, value in one.arguments.items())}}}"
            if one.on != "both":
                yield f"    on: {one.on}"


def _yaml(value: object) -> str:
    """Return a value as YAML reads it back: texts in quotes, numbers without an exponent."""
    from perennial.quality.proposals import plain  # noqa: PLC0415 - NumPy, for this verb only

    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return plain(value) if isinstance(value, int | float) else json.dumps(value)
