"""check and schema: what can be said of definitions without touching data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.console import Json, dump, say

Folder = Annotated[Path | None, typer.Argument(help="A definition or a folder of them; by default PERENNIAL_DEFINITIONS.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(check)
    app.command()(schema)


def check(
    path: Folder = None, *, shallow: Annotated[bool, typer.Option(help="Import no estimator.")] = False, as_json: Json = False
) -> None:
    """Say everything that is wrong with the definitions, with file, line, field, what was found and what is allowed."""
    from perennial.definition.check import check as check_folder  # noqa: PLC0415 - croniter and YAML, for this verb only

    checked = check_folder(path or wiring.definitions_folder(), deep=not shallow)
    faults = [fault for error in checked.errors for fault in error.faults]
    if as_json:
        dump({"definitions": [item.name for item in checked.definitions], "faults": [_fault(fault) for fault in faults]})
    else:
        for fault in faults:
            say(str(fault))
        say(f"{len(checked.definitions)} definitions are right, {len(checked.errors)} are not")
    raise typer.Exit(1 if faults else 0)


def schema(*, write: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None) -> None:
    """Print the JSON Schema of definitions, which editors use to complete and check them."""
    from perennial.definition.schema import schema_json  # noqa: PLC0415 - for this verb only

    if write is None:
        say(schema_json())
    else:
        write.write_text(schema_json(), encoding="utf-8")
        say(f"wrote {write}")


def _fault(fault: object) -> dict[str, str]:
    return {name: str(getattr(fault, name)) for name in ("code", "where", "message")}
