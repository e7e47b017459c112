"""validation: what the checks said of a night or of a training window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model, definition_of, night_of
from perennial.cli.console import Json, cell_text, dump, say, table
from perennial.cli.segments import Segment, segment_named
from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Validation

if TYPE_CHECKING:
    from perennial.definition.models import Definition
    from perennial.ports import Stores


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(validation)


def validation(
    model: Model,
    segment: Segment = None,
    night: Annotated[
        str | None,
        typer.Option(help="The date on which the night ends, or start/end. Default: what was checked last.", show_default=False),
    ] = None,
    *,
    great_expectations: Annotated[
        bool, typer.Option("--great-expectations", help="Check the snapshot again, and print Great Expectations' result in JSON.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what the checks said of a night.

    Or of a training window; of what was checked several times, the last one. Great Expectations' result has the figures that were
    observed, such as the least and greatest value of a column; no other value of a row is shown.
    """
    definition = definition_of(model)
    with wiring.open_stores() as stores:
        found = _last(stores, definition, segment_named(definition, segment), night)
        if great_expectations:
            from perennial.steps.checking.recheck import recheck  # noqa: PLC0415 - the steps import what is heavy

            dump(recheck(definition, stores, found))
            return
    if as_json:
        dump(found)
        return
    rows = [("met" if finding.success else "not met", finding.sentence) for finding in found.findings]
    table(f"{found.purpose} {cell_text(found.interval)}: {found.verdict}", ("", "what was found"), rows)
    say(f"{found.quarantined} of {found.rows} rows in quarantine")


def _last(stores: Stores, definition: Definition, segment: str, night: str | None) -> Validation:
    within = None if night is None else night_of(definition, night)
    known = stores.ledger.history(Validation, definition.name, segment, within=within, newest=1 if within is None else None)
    found = [one for one in known if within is None or one.interval == within]
    if not found:
        when = "yet" if within is None else f"of {cell_text(within)}"
        raise RejectedError(Code.MODEL_UNKNOWN, f"there is no validation {when}", where=definition.name)
    return found[-1]
