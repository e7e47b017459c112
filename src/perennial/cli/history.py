"""trace: where a prediction comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model
from perennial.cli.console import Json, cell_text, dump, fields, say, table
from perennial.cli.rewrites import Rewrite, rewrites
from perennial.cli.segments import AnySegment, recorded
from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import moment
from perennial.core.names import name as checked_name
from perennial.core.receipts import Lineage

if TYPE_CHECKING:
    from perennial.ports import Ledger


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(trace)


def trace(
    model: Model,
    entity: Annotated[
        str, typer.Argument(metavar="ENTITY", help="The entity, as it stands in the prediction table.", show_default=False)
    ],
    event_at: Annotated[
        str, typer.Argument(metavar="EVENT_AT", help="When it happened, in ISO 8601; UTC where no offset is given.")
    ],
    segment: AnySegment = None,
    *,
    as_json: Json = False,
) -> None:
    """Show where predictions come from.

    For one entity and event: version, promotion, data, checks, person, code; for every role and state.
    Where the source was rewritten, and so gave other rows at another time, it says by how much.
    """
    named, at = checked_name(model, "model"), moment(event_at)
    segments = recorded(named, segment)
    with wiring.open_stores() as stores:
        traced = [lineage for one in segments for lineage in stores.ledger.trace(named, one, entity, at)]
        found = [(lineage, _rewrites(stores.ledger, lineage)) for lineage in traced]
    if not found:
        message = f"there is no prediction for this entity at {cell_text(at)}"
        raise RejectedError(Code.MODEL_UNKNOWN, message, where=named)
    if as_json:
        dump([lineage.model_dump(mode="json") | {"rewrites": rewritten} for lineage, rewritten in found])
        return
    for number, (lineage, rewritten) in enumerate(found):
        if number:
            say("")
        rows = [*fields(lineage), *(one.row for one in rewritten)]
        table(f"{lineage.role}, {lineage.state}", ("what", "which"), rows)


def _rewrites(ledger: Ledger, lineage: Lineage) -> list[Rewrite]:
    named = {name: getattr(lineage, name) for name in ("snapshot", "training_snapshot")}
    return [found for name, digest in named.items() for found in rewrites(ledger, name, digest)]
