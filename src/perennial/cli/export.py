"""export: predictions into a file."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model
from perennial.cli.console import Json, dump, say, working
from perennial.cli.segments import AnySegment, recorded
from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval, moment
from perennial.core.names import name as checked_name
from perennial.core.receipts import Role
from perennial.stores.exporting.kind import Format


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(export)


def export(
    model: Model,
    start: Annotated[str, typer.Option("--from", help="Events at or after this moment.", show_default=False)],
    until: Annotated[str, typer.Option("--until", help="Events before this moment.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="A file, or s3://bucket/key.", show_default=False)],
    role: Annotated[Role, typer.Option("--role", help="Whose predictions.")] = Role.CHAMPION,
    kind: Annotated[Format | None, typer.Option("--format", help="By default what the name ends with.", show_default=False)] = None,
    segment: AnySegment = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write predictions into a file.

    These are the current ones, each beside its version, data, checks and person.
    The file is there whole or not at all. In CSV, a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    from perennial.stores.exporting.export import export as write  # noqa: PLC0415 - pyarrow, for this verb only

    settings = wiring.settings()
    named, within = checked_name(model, "model"), Interval(moment(start), moment(until))
    chosen, segments = kind or _format_of(to), recorded(named, segment)
    with working("exporting"), wiring.open_stores(settings) as stores:
        rows = write(
            stores.ledger,
            named,
            to,
            role=role,
            within=within,
            kind=chosen,
            force=force,
            endpoint_url=settings.s3_endpoint,
            segments=segments,
        )
    if as_json:
        dump({"model": named, "role": role, "rows": rows, "format": chosen, "to": to})
    else:
        say(f"{rows} predictions written to {to}")


def _format_of(to: str) -> Format:
    """Return the format that a file's name says.

    Raises:
        RejectedError: STORE_REJECTED, it says none.
    """
    suffix = PurePath(to).suffix.removeprefix(".").lower()
    if suffix not in set(Format):
        raise RejectedError(Code.STORE_REJECTED, "must end with .csv or .parquet, or --format must say which", where=to)
    return Format(suffix)
