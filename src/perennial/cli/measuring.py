"""monitor: what a night shows, without deciding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model, definition_of, night_of
from perennial.cli.console import Json, cell_text, dump, say, table, working
from perennial.cli.segments import Segment, segment_named
from perennial.cli.signals import show_signals
from perennial.core.receipts import Role

if TYPE_CHECKING:
    from perennial.core.receipts import ColumnDrift, Measurement
    from perennial.steps.measured_night import Agreement

Night = Annotated[
    str | None,
    typer.Option(help="The date on which the night ends, or start/end. Default: what was measured last.", show_default=False),
]
InDatabase = Annotated[
    bool, typer.Option("--in-database", help="Count the night inside the source's database, too, and say whether both agree.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(monitor)


def monitor(
    model: Model, night: Night = None, segment: Segment = None, *, in_database: InDatabase = False, as_json: Json = False
) -> None:
    """Measure a night, and decide nothing.

    The columns come worst first: how far each is from the champion's training, what is allowed, and which part of its range moved.
    Then the signals, and how many labels have come. It is measured from what the ledger holds, as of the night's own cut-off.
    With --in-database the exit code is 1 where the database counts other rows than those that were extracted then.
    """
    definition = definition_of(model)
    with working(f"measuring {model}"), wiring.open_stores() as stores:
        from perennial.steps.measured_night import agreement, measured_night  # noqa: PLC0415 - the steps import what is heavy

        wanted = None if night is None else night_of(definition, night)
        found = measured_night(definition, wanted, segment_named(definition, segment), stores)
        counted = agreement(definition, found, stores) if in_database else None
    if as_json:
        dump({"measurement": found, "in_database": counted})
    else:
        _show(found)
        _show_agreement(counted)
    if counted is not None and not counted.agrees:
        raise typer.Exit(1)


def _show(found: Measurement) -> None:
    title = f"{cell_text(found.interval)}, champion {cell_text(found.version)}"
    rows = [
        (one.column, one.psi, one.threshold, one.n, one.word, "; ".join(one.beside.parts) if one.beside else "")
        for one in sorted(found.drift, key=_worst_first)
    ]
    table(title, ("column", "PSI", "allowed", "rows", "state", "what moved"), rows)
    say("")
    show_signals(found.signals)
    say("")
    say(_labels(found))


def _worst_first(one: ColumnDrift) -> tuple[float, float]:
    """Return what puts columns with the least chance first, and of those that are alike the one with the greatest PSI."""
    return (one.beside.p_value if one.beside else 1.0, -(one.psi or 0.0))


def _labels(found: Measurement) -> str:
    nights = [one for one in found.losses if one.role is Role.CHAMPION and one.slice is None]
    predicted, labelled = sum(one.predicted for one in nights), sum(one.labelled for one in nights)
    if not predicted:
        return "labels: nothing was predicted recently"
    share = f"{100 * labelled / predicted:.0f} %"
    return f"labels: {labelled} of {predicted} predictions of the last {len(nights)} nights have one ({share})"


def _show_agreement(counted: Agreement | None) -> None:
    if counted is None:
        return
    say("")
    if counted.agrees:
        say(f"in the database: {counted.rows} rows, counted as those that were extracted are")
        return
    table(
        f"in the database: {counted.rows} rows, {counted.extracted} were extracted",
        ("column", "rows that are counted otherwise"),
        list(counted.columns.items()),
    )
