"""doctor and gc: is everything in order, and what can go."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.console import Json, dump, say, table
from perennial.definition.loader import load_folder


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(doctor)
    app.command()(gc)


def doctor(*, as_json: Json = False) -> None:
    """Say what is configured, what can be reached and at which version, and what is unsafe."""
    from perennial.cli.checkup import checkup  # noqa: PLC0415

    findings = checkup(wiring.settings())
    if as_json:
        dump(findings)
    else:
        table("doctor", ("what", "state", "found"), [(item.what, item.state, item.found) for item in findings])
    raise typer.Exit(1 if any(item.state == "wrong" for item in findings) else 0)


def gc(*, dry_run: Annotated[bool, typer.Option(help="Only say what would be removed.")] = False, as_json: Json = False) -> None:
    """Remove artifacts that no row of the ledger leads to, and predictions older than their retention."""
    from perennial.steps.collect import collect  # noqa: PLC0415 - the steps import what is heavy

    definitions = load_folder(wiring.definitions_folder()).definitions
    with wiring.open_stores() as stores:
        done = collect(definitions, stores, now=wiring.now(), dry=dry_run)
    if as_json:
        dump(done)
    else:
        verb = "would be removed" if dry_run else "removed"
        say(f"{len(done.artifacts)} artifacts and {done.predictions} predictions {verb}, {done.kept} artifacts kept")
