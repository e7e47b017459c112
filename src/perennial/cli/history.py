"""trace: where a prediction comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model
from perennial.cli.console import Json, dump, table
from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.interval import moment
from perennial.core.receipts import ALL


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(trace)


def trace(
    model: Model,
    entity: Annotated[str, typer.Argument(help="The entity, as it stands in the prediction table.")],
    event_at: Annotated[str, typer.Argument(help="When it happened, in ISO 8601; UTC where no offset is given.")],
    *,
    as_json: Json = False,
) -> None:
    """Show where the predictions of one entity and event come from: version, promotion, data, checks, person, code."""
    with wiring.open_stores() as stores:
        found = stores.ledger.trace(model, ALL, entity, moment(event_at))
    if not found:
        raise RejectedError(Code.MODEL_UNKNOWN, "there is no prediction for this entity and event", where=f"{model} {event_at}")
    if as_json:
        dump(found)
        return
    for lineage in found:
        table(f"{lineage.role}, {lineage.state}", ("what", "which"), lineage.model_dump(mode="json").items())
