"""promote, rollback and retire: a person says who is champion."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Actor, Model, cut_off, definition_of, held_stores
from perennial.cli.console import Json, cell_text, dump, say, table, working
from perennial.cli.preview import show
from perennial.cli.segments import Segment, said_of, segment_named
from perennial.core.interval import moment
from perennial.core.receipts import ModelVersion

if TYPE_CHECKING:
    from perennial.core.receipts import Promotion
    from perennial.definition.models import Definition
    from perennial.ports import Stores
    from perennial.steps.predict_again import NightAgain
    from perennial.steps.preview import Preview

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the ledger.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(promote)
    app.command()(rollback)
    app.command()(retire)


def promote(
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="The model version's id; `perennial models list` and `show` tell.")
    ],
    reason: Reason,
    *,
    actor: Actor,
    as_json: Json = False,
) -> None:
    """Make a version champion, whose evaluation must have passed.

    This is your approval of the evaluation; it is kept in the ledger with the reason.
    A model that was retired comes back by it.
    """
    with working(f"promoting {version}"), wiring.open_stores() as stores:
        from perennial.steps.promote import promote as run  # noqa: PLC0415 - the steps import what is heavy

        definition = definition_of(stores.ledger.get(ModelVersion, version).model)
        last = cut_off(definition, None)
        publication = run(definition, stores, version=version, reason=reason, actor=actor, effective_from=last)
    if as_json:
        dump(publication)
    else:
        say(publication.sentence)


def rollback(
    model: Model,
    reason: Reason,
    to: Annotated[
        str | None, typer.Option(help="The version to go back to; by default the champion before.", show_default=False)
    ] = None,
    again_from: Annotated[
        str | None,
        typer.Option(help="Predict again, with it, every night that ends after this moment.", show_default=False),
    ] = None,
    segment: Segment = None,
    *,
    actor: Actor,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would predict.")] = False,
    as_json: Json = False,
) -> None:
    """Make an earlier champion champion again.

    First it is loaded, scored on tonight's rows, and shown beside the present champion; one that cannot be is refused.
    It is in force from the end of the last complete night on, but never for a night that it was trained on.
    With --again-from, it is in force from then on.
    Nights that are predicted again supersede what was predicted for them, which stays in the ledger.
    Where a night could not be predicted again, the exit code is 1.
    """
    definition = definition_of(model)
    since = moment(again_from) if again_from is not None else None
    wanted = _Wanted(definition, segment_named(definition, segment), reason, to, since, actor)
    with _opened(wanted, dry_run=dry_run) as stores:
        seen = _look(wanted, stores)
        if not as_json:
            show(seen)
        done = None if dry_run else _roll_back(wanted, stores, seen)
        if done is not None and not as_json:
            say(f"{done.version} is champion at epoch {done.epoch} from {cell_text(done.effective_from)} on: {done.reason}")
        nights = _again(wanted, wanted.since, stores) if done is not None and wanted.since is not None else []
    if as_json:
        dump({"preview": seen, "promotion": done, "nights": nights})
    elif nights:
        table("predicted again", ("night", "what"), [(night.interval, night.sentence) for night in nights])
    if any(night.failed for night in nights):
        raise typer.Exit(1)


def retire(model: Model, reason: Reason, segment: Segment = None, *, actor: Actor, as_json: Json = False) -> None:
    """Leave a model without a champion.

    From the end of the last complete night on nothing is predicted, and nothing is retrained by itself.
    Where it was interrupted, give it again.
    To bring it back, retrain it by hand, promote a version that passed, or roll back.
    """
    from perennial.steps.retire import retire as run  # noqa: PLC0415 - for this verb only

    definition = definition_of(model)
    named = segment_named(definition, segment)
    with wiring.open_stores() as stores:
        done = run(definition, named, stores, effective_from=cut_off(definition, None), reason=reason, actor=actor)
    if as_json:
        dump(done)
    else:
        since = f"at epoch {done.epoch} from {cell_text(done.effective_from)} on"
        say(f"{said_of(definition, named)}{model} has no champion {since}: {done.reason}")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What somebody wants of a rollback."""

    definition: Definition
    segment: str
    reason: str
    to: str | None
    since: datetime | None
    actor: str


def _opened(wanted: _Wanted, *, dry_run: bool) -> AbstractContextManager[Stores]:
    """Open the stores; where nights are to be predicted again, with the lease of who predicts."""
    if wanted.since is None or dry_run:
        return wiring.open_stores()
    return held_stores(wanted.definition.name, wanted.segment, "score", wiring.holder(wanted.actor))


def _look(wanted: _Wanted, stores: Stores) -> Preview:
    with working("looking"):
        from perennial.steps.preview import preview  # noqa: PLC0415 - the steps import what is heavy

        return preview(wanted.definition, wanted.segment, stores, to=wanted.to, again=wanted.since is not None)


def _roll_back(wanted: _Wanted, stores: Stores, seen: Preview) -> Promotion:
    from perennial.steps.rollback import rollback as run  # noqa: PLC0415 - the steps import what is heavy

    return run(
        wanted.definition,
        wanted.segment,
        stores,
        effective_from=cut_off(wanted.definition, None),
        reason=wanted.reason,
        actor=wanted.actor,
        to=wanted.to,
        since=wanted.since,
        seen=seen,
    )


def _again(wanted: _Wanted, since: datetime, stores: Stores) -> list[NightAgain]:
    with working("predicting again"):
        from perennial.steps.predict_again import predict_again  # noqa: PLC0415 - the steps import what is heavy

        return predict_again(wanted.definition, wanted.segment, stores, since=since)
