"""All verbs under one name, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import sys

import typer

from perennial.cli import care, definitions, history, local, models, runs
from perennial.cli.console import complain
from perennial.core.errors import PerennialError, TransientError

DONE, WRONG, USAGE, TERMINAL, TRANSIENT, INTERRUPTED = 0, 1, 2, 3, 4, 130

app = typer.Typer(
    name="perennial",
    help="Keeps machine-learning models fresh: the loop, the gate, the decision and the lineage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (definitions, runs, history, care, local):
    room.register(app)
app.add_typer(models.app, name="models")


def main() -> None:
    """Run the command line; an error is its message and an exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except PerennialError as error:
        complain(error)
        sys.exit(TRANSIENT if isinstance(error, TransientError) else TERMINAL)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
