"""How often each signal raised an alarm on the nights that were, as it was measured then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from perennial.core.receipts import Receipt, SignalState

if TYPE_CHECKING:
    from perennial.core.receipts import Measurement
    from perennial.definition.models import Definition

ANY = "any of them"
"""What the line of all signals together is called."""


class Raised(Receipt):
    """The alarms of one signal on past nights.

    *nights* had an answer, *on_nights* of them were alarms. One that stands for several nights is one of *alarms*, which are
    *a_year* as often; None where the signal could not speak on any night.
    """

    signal: str
    nights: int
    on_nights: int
    alarms: int
    a_year: float | None


def raised(definition: Definition, measurements: Sequence[Measurement], per_year: float) -> tuple[Raised, ...]:
    """Return the alarms of each signal that the definition asks for, and those of all together, last.

    Args:
        definition: The model.
        measurements: What stands of each night, oldest first.
        per_year: How many nights a year has.
    """
    names = _names(definition)
    states = [{signal.kind: signal.state for signal in one.signals} for one in measurements]
    each = (_counted(name, [night.get(kind) for night in states], per_year) for kind, name in names.items())
    together = [_together([night.get(kind) for kind in names]) for night in states]
    return (*each, _counted(ANY, together, per_year))


def _names(definition: Definition) -> dict[str, str]:
    """Return by kind the names of the signals that can raise an alarm."""
    return {
        "decay": "decay",
        "baseline": "baseline",
        **({"slice_decay": "decay of slices"} if definition.evaluation.slices else {}),
        "estimate": "estimated loss",
        "drift": "drift",
        "prediction_drift": "prediction drift",
        "label_drift": "label drift",
        **({"multivariate": "all columns together"} if definition.monitoring.multivariate else {}),
    }


def _together(night: Sequence[SignalState | None]) -> SignalState:
    """Return what a night's signals say together."""
    known = set(night)
    return next((state for state in (SignalState.ALARM, SignalState.QUIET) if state in known), SignalState.INSUFFICIENT)


def _counted(name: str, states: Sequence[SignalState | None], per_year: float) -> Raised:
    spoke = [state is SignalState.ALARM for state in states if state in (SignalState.ALARM, SignalState.QUIET)]
    alarms = sum(_begun(spoke))
    return Raised(
        signal=name,
        nights=len(spoke),
        on_nights=sum(spoke),
        alarms=alarms,
        a_year=per_year * alarms / len(spoke) if spoke else None,
    )


def _begun(alarmed: Sequence[bool]) -> Iterator[bool]:
    """Yield of each night whether an alarm began on it."""
    before = False
    for now in alarmed:
        yield now and not before
        before = now
