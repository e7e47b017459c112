"""check and schema: what can be said of definitions without touching data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.choose import definition_file
from perennial.cli.console import Json, dump, say

What = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL|FILE|FOLDER]", help="What to check; by default the folder PERENNIAL_DEFINITIONS."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(check)
    app.command()(schema)


def check(
    what: What = None,
    *,
    dags: Annotated[
        Path | None,
        typer.Option(help="The folder of DAG files, where notifiers may lie; by default Airflow's.", exists=True, file_okay=False),
    ] = None,
    shallow: Annotated[bool, typer.Option("--shallow", help="Import no estimator: faster, and runs no code of yours.")] = False,
    as_json: Json = False,
) -> None:
    """Check definitions.

    Everything that is wrong is said at once, with file, line, field, what was found and what is allowed.
    """
    from perennial.definition.check import check as run  # noqa: PLC0415 - croniter and YAML, for this verb only

    checked = run(_path(what), deep=not shallow, dags=dags.absolute() if dags else wiring.dags_folder())
    faults = [fault for error in checked.errors for fault in error.faults]
    if as_json:
        dump({"definitions": [item.name for item in checked.definitions], "faults": [_fault(fault) for fault in faults]})
    else:
        for fault in faults:
            say(str(fault))
        say(_summary(len(checked.definitions), len(checked.errors)))
    raise typer.Exit(0 if checked.ok else 1)


def schema(
    *,
    write: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Print the JSON Schema of definitions, for editors.

    They complete and check definitions with it. The schema is JSON with and without --json.
    """
    from perennial.definition.schema import schema_json  # noqa: PLC0415 - for this verb only

    if write is None:
        say(schema_json().rstrip("\n"))
        return
    write.write_text(schema_json(), encoding="utf-8")
    if as_json:
        dump({"written": str(write)})
    else:
        say(f"wrote {write}")


def _path(what: str | None) -> Path:
    """Return the file or folder that is meant. What has neither a dot nor a slash, and does not exist, is a model's name."""
    if what is None:
        return wiring.definitions_folder()
    path = Path(what)
    return path if path.exists() or "/" in what or "." in what else definition_file(what)


def _summary(right: int, wrong: int) -> str:
    return f"{right} definition{'' if right == 1 else 's'} right, {wrong} wrong"


def _fault(fault: object) -> dict[str, str]:
    return {name: str(getattr(fault, name)) for name in ("code", "where", "message")}
