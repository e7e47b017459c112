"""quarantine and release: what was refused of a night and why, and a person's word that it is right after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Actor, Model, definition_of, held_stores, night_of
from perennial.cli.console import Json, cell_text, dump, say, table, working
from perennial.cli.segments import Segment, segment_named

if TYPE_CHECKING:
    from perennial.core.receipts import Decision, Release

Night = Annotated[
    str | None,
    typer.Option(help="The date on which the night ends, or start/end. Default: the last complete one.", show_default=False),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the ledger.", show_default=False)]
Only = Annotated[
    list[str] | None,
    typer.Option("--finding", help="Only this finding, as `perennial quarantine` names it; may be given more than once."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(quarantine)
    app.command()(release)


def quarantine(model: Model, night: Night = None, segment: Segment = None, *, as_json: Json = False) -> None:
    """Show what was refused of a night, and why.

    Each finding, and how many rows are in quarantine for which reason. No value of a row is shown. The rows themselves are in the
    Parquet file that the digest names.
    """
    definition = definition_of(model)
    with wiring.open_stores() as stores:
        from perennial.steps.checking.refusals import refusals  # noqa: PLC0415 - the steps import what is heavy

        found = refusals(definition, night_of(definition, night), segment_named(definition, segment), stores)
    if as_json:
        dump(found)
        return
    title = f"{cell_text(found.interval)}: {found.verdict}, {found.quarantined} of {found.rows} rows in quarantine"
    table(title, ("finding", "what was found"), [(finding.name, finding.sentence) for finding in found.findings])
    if found.reasons:
        table("refused rows", ("rows", "why"), [(rows, reason) for reason, rows in found.reasons.items()])
        say(f"the rows: artifact {found.quarantine}")


def release(
    model: Model,
    reason: Reason,
    night: Night = None,
    finding: Only = None,
    segment: Segment = None,
    *,
    actor: Actor,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was released of the night.")] = False,
    as_json: Json = False,
) -> None:
    """Let through what was refused of a night, and score it again.

    By default all of it: its rows are predicted, and later trainings take them. It holds for the rows that were refused; where the
    source yields others by now, they are checked as new. With --undo they are refused again; what was predicted is withdrawn.
    """
    definition = definition_of(model)
    interval, named = night_of(definition, night), segment_named(definition, segment)
    if undo and finding:
        raise typer.BadParameter("goes not with --finding: all that was released is taken back", param_hint="--undo")
    with working(f"scoring {model}"), held_stores(model, named, "score", wiring.holder(actor)) as stores:
        from perennial.steps.loop import score  # noqa: PLC0415 - the steps import what is heavy
        from perennial.steps.release import last_validation, take_back  # noqa: PLC0415 - the same
        from perennial.steps.release import release as let_through  # noqa: PLC0415 - the same

        as_of = last_validation(definition, interval, named, stores).as_of
        if undo:
            said = take_back(definition, interval, named, stores, reason=reason, actor=actor)
        else:
            said = let_through(definition, interval, named, stores, reason=reason, actor=actor, findings=finding or None)
        decision = score(definition, interval, stores, as_of=as_of, segment=named)
    _show(said, decision, as_json=as_json)


def _show(said: Release, decision: Decision, *, as_json: bool) -> None:
    if as_json:
        dump({"release": said, "decision": decision})
        return
    say(f"{'released' if said.stands else 'refused again'}: {', '.join(said.findings)}")
    say(f"{cell_text(decision.interval)}: {decision.action}: {decision.sentence}")
