"""The words of a call into what the steps want: a definition by its name, a night by its date, a cut-off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import DataError, DefinitionError
from perennial.core.interval import Interval, moment
from perennial.core.names import name as checked_name
from perennial.core.receipts import ALL
from perennial.definition.calendar import nights
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.ports import Stores

Model = Annotated[str, typer.Argument(help="The model's name, as in its definition.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the ledger.", show_default=False)]
Actor = Annotated[str, typer.Option("--actor", help="Who; it is kept in the ledger.", envvar="PERENNIAL_ACTOR")]
LEASE = timedelta(hours=2)
WEEKS = timedelta(days=400)
_INSTANT = timedelta(microseconds=1)


def definition_of(model: str) -> Definition:
    """Return the definition of *model*.

    Raises:
        DefinitionError: NAME_INVALID, DEFINITION_MISSING, or its faults.
    """
    path = wiring.definitions_folder() / f"{checked_name(model, 'model')}.yml"
    if not path.is_file():
        raise DefinitionError(Code.DEFINITION_MISSING, "there is no such definition", where=str(path))
    return load(path)


def night_of(definition: Definition, night: str | None) -> Interval:
    """Return the scoring interval that ends on the date *night*, ``start/end`` as it stands, or the last complete one.

    Raises:
        DataError: RUN_NO_INTERVAL, no interval of the schedule ends on that date.
    """
    if night is not None and "/" in night:
        return Interval.parse(night)
    at = moment(night) if night is not None else wiring.now()
    until = at + timedelta(days=1) - _INSTANT if night is not None else at
    known = list(nights(definition.schedule, Interval(until - WEEKS, until)))
    if not known or (night is not None and known[-1].end < at):
        raise DataError(
            Code.RUN_NO_INTERVAL, f"no night of the schedule ends on {night or 'or before today'}", where=definition.name
        )
    return known[-1]


def cut_off(definition: Definition, until: str | None) -> datetime:
    """Return the given cut-off, or the end of the last complete night."""
    return moment(until) if until is not None else night_of(definition, None).end


@contextmanager
def held_stores(model: str, flow: str, actor: str) -> Iterator[Stores]:
    """Open the stores of the environment and hold the model's lease for *flow*."""
    with wiring.open_stores() as stores, stores.leased(model, ALL, flow, holder=f"{actor} by hand", ttl=LEASE) as held:
        yield held
