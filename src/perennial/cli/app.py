"""All verbs under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import __version__
from perennial.cli import (
    backtesting,
    calibrating,
    cards,
    care,
    champions,
    definitions,
    explaining,
    export,
    history,
    local,
    measuring,
    models,
    outside,
    quarantined,
    replaying,
    runs,
    setup,
    suggest,
    validations,
)
from perennial.cli.console import say
from perennial.cli.ending import Verbs

app = typer.Typer(
    name="perennial",
    cls=Verbs,
    help="Keeps machine-learning models fresh: the loop, the gate, the decision and the lineage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (definitions, suggest, setup, runs, replaying, outside, backtesting):
    room.register(app)
cards.register(models.app)
app.add_typer(models.app, name="models")
for room in (champions, validations, quarantined, measuring, explaining, calibrating, history, export, care, local):
    room.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"perennial {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False
) -> None:
    """Keep machine-learning models fresh: the loop, the gate, the decision and the lineage."""


def main() -> None:
    """Run the command line; an error is its message and an exit code, never a traceback."""
    app()
