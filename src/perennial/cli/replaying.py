"""replay: the loop over past nights, without Airflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model, definition_of
from perennial.cli.console import Json, cell_text, dump, say, table
from perennial.cli.segments import AnySegment, chosen, said_of
from perennial.core.interval import Interval, moment
from perennial.core.receipts import Action, Purpose

if TYPE_CHECKING:
    from rich.progress import Progress

    from perennial.backtest.replay import Event

_DAY = timedelta(days=1)


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(replay)


def replay(
    model: Model,
    start: Annotated[str, typer.Option("--from", help="Nights begin at or after this moment.", show_default=False)],
    until: Annotated[str, typer.Option("--until", help="Nights end at or before this moment.", show_default=False)],
    segment: AnySegment = None,
    *,
    as_json: Json = False,
) -> None:
    """Run the loop over past nights.

    It scores every night, and retrains when the schedule says so or a decision asks for it.
    The table leaves out the nights that were kept, and cuts long sentences; JSON has all of them whole.
    What cannot be done is told, and the next night goes on; the exit code is then 1.
    Of several segments each has its own time, one after another.
    """
    definition = definition_of(model)
    within = Interval(moment(start), moment(until))
    segments = chosen(definition, segment)
    events: dict[str, list[Event]] = {name: [] for name in segments}
    with wiring.open_stores() as stores, _progress() as progress:
        from perennial.backtest.replay import replay as run  # noqa: PLC0415 - the steps import what is heavy

        for name in segments:
            task = progress.add_task(f"replaying {said_of(definition, name)}{model}", total=within.length // _DAY)
            for event in run(definition, within, stores, segment=name):
                events[name].append(event)
                progress.update(task, completed=(event.at - within.start) // _DAY)
    if as_json:
        dump([_plain(name, event) for name in segments for event in events[name]])
    else:
        for name in segments:
            _show(f"{said_of(definition, name)}{model}, {cell_text(within)}", events[name])
    if any(event.error for of_segment in events.values() for event in of_segment):
        raise typer.Exit(1)


def _plain(segment: str, event: Event) -> dict[str, object]:
    return {"segment": segment, "at": event.at, "kind": _kind(event), "sentence": _sentence(event)}


def _show(title: str, events: list[Event]) -> None:
    rows = [(event.at, _kind(event), _sentence(event)) for event in events]
    table(title, ("at", "what", "why"), [row for row in rows if row[1] != Action.KEEP], cut=True)
    say(_summary([kind for _, kind, _ in rows]))


def _kind(event: Event) -> str:
    if event.decision is not None:
        return event.decision.action.value
    if event.publication is None:
        return "not scored" if event.purpose is Purpose.SCORE else "no retraining"
    return "new champion" if event.publication.promoted else "refused"


def _sentence(event: Event) -> str:
    done = event.decision or event.publication
    return done.sentence if done is not None else event.skipped or str(event.error)


def _summary(kinds: list[str]) -> str:
    counted = ", ".join(f"{number} {kind}" for kind, number in Counter(kinds).most_common())
    return counted or "no night lies in this time"


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show how far it is, to a person at a terminal, on standard error."""
    from rich.console import Console  # noqa: PLC0415 - for this verb only
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
