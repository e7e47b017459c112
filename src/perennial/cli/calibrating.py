"""calibrate: what the settings would have done on a model's own past nights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from perennial import wiring
from perennial.cli.choose import Model, definition_of
from perennial.cli.console import Json, cell_text, dump, say, table, working
from perennial.cli.segments import Segment, segment_named
from perennial.core.receipts import SignalState

if TYPE_CHECKING:
    from perennial.steps.calibrate import Calibration
    from perennial.steps.measuring.raised import Raised


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(calibrate)


def calibrate(model: Model, segment: Segment = None, *, as_json: Json = False) -> None:
    """Say what the settings would have done on past nights.

    First what every signal did: its alarms a year, as it was measured then, and those of all signals beside the budget. Then, of
    the input columns, the settings and plain thresholds of PSI: how many nights a year would have alarmed, as they were, and dealt
    anew, where every alarm is a false one; the smallest shift of each column that is seen on four of five nights; how long it takes
    to see that the loss has risen. No source is read, and nothing is written.
    """
    definition = definition_of(model)
    with working(f"calibrating {model}"), wiring.open_stores() as stores:
        from perennial.steps.calibrate import calibrate as run  # noqa: PLC0415 - the steps import what is heavy
        from perennial.steps.measuring.recommended import recommended  # noqa: PLC0415 - the same

        found = run(definition, segment_named(definition, segment), stores)
        advice = recommended(definition, found)
    if as_json:
        dump(found.model_dump(mode="json") | {"recommendation": advice})
        return
    show_calibration(found)
    say(advice)


def show_calibration(found: Calibration) -> None:
    """Print the tables of a calibration."""
    if any(one.nights for one in found.raised):
        title = f"alarms a year as they were, of all signals; {found.allowed:g} false ones a year are allowed"
        rows = [(one.signal, one.nights, one.on_nights, one.alarms, _a_year(one)) for one in found.raised]
        table(title, ("signal", "nights with an answer", "nights with an alarm", "alarms", "alarms a year"), rows)
        say("")
    if found.settings:
        many = f"from {found.nights} nights, {found.champions} champions, {found.tests} tests a night"
        title = f"nights with an alarm of an input column a year, {many}"
        columns = ("setting", "as they were", "without drift", "at most")
        table(
            title,
            columns,
            [(one.setting, *map(_rate, (one.as_they_were, one.without_drift, one.at_most))) for one in found.settings],
        )
        say("")
    if found.shifts:
        names = list(found.shifts[0].shift)
        shifts = [(one.column, *(_shift(one.shift[name]) for name in names)) for one in found.shifts]
        table("the smallest shift that is seen on four of five nights, in standard deviations", ("column", *names), shifts)
        say("")
    if found.delays:
        delays = [(f"{100 * one.increase:.0f} %", _nights(one.nights), one.days, f"{100 * one.seen:.0f} %") for one in found.delays]
        table(
            "until a rise of the loss is seen",
            ("rise", "nights with labels", "days, with labels to come", "seen in a year"),
            delays,
        )
        say("")


def _a_year(one: Raised) -> str:
    return SignalState.INSUFFICIENT.value if one.a_year is None else _rate(one.a_year)


def _rate(number: float) -> str:
    return f"{number:.1f}"


def _shift(number: float | None) -> str:
    return "more than 4" if number is None else f"{number:.2f}"


def _nights(number: int | None) -> str:
    return "more than a year" if number is None else cell_text(number)
