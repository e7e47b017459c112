"""models card: everything that is known of a version, in one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import definition_of
from perennial.cli.console import Json, dump, say, working
from perennial.core.receipts import ModelVersion

if TYPE_CHECKING:
    from perennial.steps.card import Card


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(card)


def card(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A model version's id.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", help="A file, instead of printing it.", show_default=False)] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a version's model card, in Markdown.

    Its purpose, data, figures, gates, importance, history and limits. With `--json` the card is JSON.
    """
    with working("writing the card"), wiring.open_stores() as stores:
        from perennial.steps.card import card as make  # noqa: PLC0415 - the steps import what is heavy

        made = make(definition_of(stores.ledger.get(ModelVersion, version).model), stores, version)
    if output is not None:
        _write(made, output, force=force, as_json=as_json)
        say(f"card of {version} written to {output}")
    elif as_json:
        dump(made)
    else:
        say(made.markdown().rstrip("\n"))


def _write(made: Card, output: Path, *, force: bool, as_json: bool) -> None:
    from perennial.stores.exporting.file import new_file  # noqa: PLC0415 - for this option only

    text = json.dumps(made.model_dump(mode="json"), indent=2) + "\n" if as_json else made.markdown()
    with new_file(output, force=force) as file:
        file.write(text.encode())
