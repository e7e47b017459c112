"""The words of a call into what the steps want: a definition by its name, a night by its date, a cut-off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import DataError, DefinitionError
from perennial.core.interval import Interval, moment
from perennial.core.names import name as checked_name

if TYPE_CHECKING:
    from perennial.definition.models import Definition
    from perennial.ports import Stores

Model = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name, as in its definition.", show_default=False)]
Actor = Annotated[
    str,
    typer.Option(
        "--actor",
        help="Who; it is kept in the ledger.",
        envvar="PERENNIAL_ACTOR",
        default_factory=wiring.login_name,
        show_default="the login name",
    ),
]
LEASE = timedelta(minutes=15)
"""Soon over where a call dies; one that goes on writes after it too, unless somebody has taken over."""

_LATEST = timedelta(days=1) - timedelta.resolution
_MANY = 5


def definition_of(model: str) -> Definition:
    """Return the definition of *model*.

    Raises:
        DefinitionError: NAME_INVALID, DEFINITION_MISSING, or its faults.
    """
    from perennial.definition.loader import load  # noqa: PLC0415 - YAML, for the verbs that need it

    return load(definition_file(model))


def definition_file(model: str) -> Path:
    """Return the file of *model*'s definition.

    Raises:
        DefinitionError: NAME_INVALID, DEFINITION_MISSING.
    """
    path = wiring.definitions_folder() / f"{checked_name(model, 'model')}.yml"
    if not path.is_file():
        raise DefinitionError(Code.DEFINITION_MISSING, f"there is no such definition{_instead(path)}", where=str(path))
    return path


def night_of(definition: Definition, night: str | None) -> Interval:
    """Return the scoring interval that ends on the date *night*, ``start/end`` as it stands, or the last complete one.

    Raises:
        DataError: RUN_NO_INTERVAL, no interval of the schedule ends on that date.
    """
    from perennial.definition.calendar import last_interval, newest_night  # noqa: PLC0415 - croniter, for the verbs that need it

    if night is not None and "/" in night:
        return Interval.parse(night)
    schedule, at = definition.schedule, moment(night) if night is not None else None
    found = newest_night(schedule, wiring.now()) if at is None else last_interval(schedule.score, schedule.timezone, at + _LATEST)
    if found is None or (at is not None and found.end < at):
        raise DataError(
            Code.RUN_NO_INTERVAL, f"no night of the schedule ends on {night or 'or before today'}", where=definition.name
        )
    return found


def cut_off(definition: Definition, until: str | None) -> datetime:
    """Return the given cut-off, or the end of the last complete night."""
    return moment(until) if until is not None else night_of(definition, None).end


@contextmanager
def held_stores(model: str, segment: str, flow: str, holder: str) -> Iterator[Stores]:
    """Open the stores of the environment and hold the segment's lease for *flow*, for a *holder* who is nobody else's."""
    with wiring.open_stores() as stores, stores.leased(model, segment, flow, holder=holder, ttl=LEASE) as held:
        yield held


def _instead(path: Path) -> str:
    """Return the end of a sentence that says what there is instead of *path*."""
    known = sorted(file.stem for file in path.parent.glob("*.yml"))
    close = get_close_matches(path.stem, known, n=1)
    if close:
        return f", did you mean {close[0]}?"
    return f", must be one of {', '.join(known)}" if 0 < len(known) <= _MANY else ""
