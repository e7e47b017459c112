"""doctor and gc: is everything in order, and what can go."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.console import Json, dump, say, table, working


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(doctor)
    app.command()(gc)


def doctor(
    *,
    audit: Annotated[
        bool, typer.Option("--audit", help="Look at every row of the ledger and every artifact instead: do the promises hold?")
    ] = False,
    shallow: Annotated[
        bool, typer.Option("--shallow", help="With --audit: read manifests and champions only; other files must be there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what is configured, reachable, and unsafe.

    Each thing is right, unsafe or wrong, with the version found.
    The exit code is 1 where something is wrong; what is only unsafe leaves it at 0.

    With --audit it says which promises do not hold, and where. The exit code is 1 where there is one. Nothing is changed.
    """
    if audit:
        _audit(deep=not shallow, as_json=as_json)
    elif shallow:
        raise typer.BadParameter("goes with --audit", param_hint="--shallow")
    else:
        _checkup(as_json=as_json)


def _audit(*, deep: bool, as_json: bool) -> None:
    from perennial.steps.audit import look  # noqa: PLC0415 - the steps import what is heavy

    with working("looking"), wiring.open_stores() as stores:
        found = look(stores, deep=deep)
    if as_json:
        dump(found)
    elif found.faults:
        rows = [(row.promise, row.where, row.found) for row in found.faults]
        table("promises that do not hold", ("promise", "where", "found"), rows)
    else:
        counts = {name: getattr(found, name) for name in ("promotions", "batches", "predictions", "artifacts")}
        say(f"every promise holds: {', '.join(f'{count} {name}' for name, count in counts.items())} looked at")
    raise typer.Exit(1 if found.faults else 0)


def _checkup(*, as_json: bool) -> None:
    from perennial.cli.checkup import checkup  # noqa: PLC0415 - for this verb only
    from perennial.cli.finding import State  # noqa: PLC0415 - for this verb only

    with working("looking"):
        findings = checkup(wiring.settings())
    if as_json:
        dump(findings)
    else:
        table("doctor", ("what", "state", "found"), [(item.what, item.state, item.found) for item in findings])
    raise typer.Exit(1 if any(item.state is State.WRONG for item in findings) else 0)


def gc(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what nothing leads to any more.

    These are artifacts that no row of the ledger leads to, and predictions older than their retention.
    """
    from perennial.definition.loader import load_folder  # noqa: PLC0415 - YAML, for the verbs that need it

    definitions = load_folder(wiring.definitions_folder()).definitions
    with working("looking"), wiring.open_stores() as stores:
        from perennial.steps.collect import collect  # noqa: PLC0415 - the steps import what is heavy

        done = collect(definitions, stores, now=wiring.now(), dry=dry_run)
    if as_json:
        dump(done)
    elif dry_run:
        say(f"{len(done.artifacts)} artifacts and {done.predictions} predictions would be removed, {done.kept} artifacts kept")
    else:
        say(f"{len(done.artifacts)} artifacts and {done.predictions} predictions removed, {done.kept} artifacts kept")
