"""promote and rollback: a person says who is champion."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Actor, Model, cut_off, definition_of
from perennial.cli.console import Json, cell_text, dump, say, working
from perennial.core.receipts import ALL, ModelVersion

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the ledger.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(promote)
    app.command()(rollback)


def promote(
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="The model version's id; `perennial models list` and `show` tell.")
    ],
    reason: Reason,
    actor: Actor = "operator",
    *,
    as_json: Json = False,
) -> None:
    """Make a version champion, whose evaluation must have passed.

    This is your approval of the evaluation; it is kept in the ledger with the reason.
    """
    with working(f"promoting {version}"), wiring.open_stores() as stores:
        from perennial.steps.promote import promote as run  # noqa: PLC0415 - the steps import what is heavy

        definition = definition_of(stores.ledger.get(ModelVersion, version).model)
        publication = run(definition, stores, version=version, reason=reason, actor=actor)
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
    actor: Actor = "operator",
    *,
    as_json: Json = False,
) -> None:
    """Make an earlier champion champion again.

    It is in force from the end of the last complete night on.
    """
    from perennial.steps.rollback import rollback as run  # noqa: PLC0415 - for this verb only

    definition = definition_of(model)
    with wiring.open_stores() as stores:
        done = run(definition, ALL, stores, effective_from=cut_off(definition, None), reason=reason, actor=actor, to=to)
    if as_json:
        dump(done)
    else:
        say(f"{done.version} is champion at epoch {done.epoch} from {cell_text(done.effective_from)} on: {done.reason}")
