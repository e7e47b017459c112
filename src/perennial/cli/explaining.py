"""explain: why a night was decided as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Model, definition_of, night_of
from perennial.cli.console import Json, cell_text, dump, say, table
from perennial.cli.segments import Segment, segment_named
from perennial.cli.signals import show_signals

if TYPE_CHECKING:
    from perennial.steps.explain import Asked, Explanation

Night = Annotated[
    str | None,
    typer.Option(help="The date on which the night ends, or start/end. Default: what was decided last.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(explain)


def explain(model: Model, night: Night = None, segment: Segment = None, *, as_json: Json = False) -> None:
    """Say why a night was decided as it was.

    The sentence, every signal with its figure and threshold, and the smallest changes that would have made it another decision.
    Where a retraining was asked for: who answered, what the gates said, and whether it became champion.
    """
    definition = definition_of(model)
    with wiring.open_stores() as stores:
        from perennial.steps.explain import explain as run  # noqa: PLC0415 - for this verb only

        wanted = None if night is None else night_of(definition, night)
        found = run(definition, wanted, segment_named(definition, segment), stores)
    if as_json:
        dump(found)
    else:
        _show(found)


def _show(found: Explanation) -> None:
    decision = found.decision
    say(f"{cell_text(decision.interval)}: {decision.action} ({decision.rule})")
    say(decision.sentence)
    if found.before:
        say(f"It was decided {found.before + 1} times; this is what was said last.")
    say("")
    show_signals(decision.signals)
    mute = [one.column for one in found.measurement.drift if one.beside and one.beside.mute]
    if mute:
        say(f"mute, as no night of as many rows could alarm in them: {', '.join(mute)}")
    if decision.otherwise:
        say("")
        table("otherwise", ("what would have changed it",), [(one,) for one in decision.otherwise])
    if found.asked is not None:
        say("")
        _show_asked(found.asked)
    say("")
    table("where it comes from", ("what", "which"), _links(found))


def _show_asked(asked: Asked) -> None:
    outcome = f": {asked.outcome}" if asked.outcome else ""
    say(f"request {asked.request} of {cell_text(asked.at)}: {asked.state}{outcome}")
    for answer in asked.answers:
        epoch = "it did not become champion" if answer.epoch is None else f"champion from epoch {answer.epoch} on"
        table(f"answer: {answer.version}, {answer.verdict}, {epoch}", ("gate", "verdict"), list(answer.gates.items()))


def _links(found: Explanation) -> list[tuple[str, object]]:
    ids = [
        ("decision", found.decision.id),
        ("measurement", found.decision.measurement),
        ("validation", found.validation),
        ("snapshot", found.snapshot),
        ("version", found.version),
        *(("batch", batch) for batch in found.batches),
    ]
    return [(what, which) for what, which in ids if which is not None]
