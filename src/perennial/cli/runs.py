"""score and retrain: one night, or one retraining, without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.choose import Actor, Model, cut_off, definition_of, held_stores, night_of
from perennial.cli.console import Json, cell_text, dump, say, working
from perennial.core.errors import TerminalError
from perennial.core.interval import iso, moment
from perennial.core.receipts import ALL, Publication

if TYPE_CHECKING:
    from datetime import datetime

    from perennial.definition.models import Definition
    from perennial.ports import Stores

Night = Annotated[
    str | None,
    typer.Option(help="The date on which the night ends, or start/end. Default: the last complete one.", show_default=False),
]
Until = Annotated[
    str | None,
    typer.Option(help="The cut-off: what became known later is not used. Default: the night's end.", show_default=False),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, where no open request says it; it is kept in the ledger.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(score)
    app.command()(retrain)


def score(model: Model, night: Night = None, until: Until = None, actor: Actor = "operator", *, as_json: Json = False) -> None:
    """Run one night: extract, validate, predict, monitor, decide."""
    definition = definition_of(model)
    interval = night_of(definition, night)
    as_of = moment(until) if until is not None else interval.end
    with working(f"scoring {model}"), held_stores(model, "score", actor) as stores:
        from perennial.steps.loop import score as run  # noqa: PLC0415 - the steps import what is heavy

        decision = run(definition, interval, stores, as_of=as_of)
    if as_json:
        dump(decision)
    else:
        say(f"{cell_text(interval)}: {decision.action}: {decision.sentence}")


def retrain(
    model: Model,
    until: Until = None,
    reason: Reason = "by hand",
    actor: Actor = "operator",
    *,
    as_json: Json = False,
) -> None:
    """Run one retraining: extract, validate, train, evaluate, publish.

    An open request is answered by it.
    """
    definition = definition_of(model)
    end = cut_off(definition, until)
    with working(f"retraining {model}"), held_stores(model, "retrain", actor) as stores:
        publication = _retrain(definition, end, stores, reason=reason, actor=actor)
    if as_json:
        dump(publication)
    else:
        say(publication.sentence)


def _retrain(definition: Definition, end: datetime, stores: Stores, *, reason: str, actor: str) -> Publication:
    """Retrain, and settle the request that it answers, also when it cannot be done."""
    from perennial.definition.calendar import training_window  # noqa: PLC0415 - croniter, for the verbs that need it
    from perennial.steps.loop import retrain as run  # noqa: PLC0415 - the steps import what is heavy

    window = training_window(definition, end)
    request = stores.ledger.claim_request(definition.name, ALL, f"{actor} {iso(end)}", at=end)
    if request is None:
        return run(definition, window, stores, reason=reason, actor=actor)
    try:
        publication = run(definition, window, stores, reason=request.reason, actor=actor, request=request.id)
    except TerminalError as error:
        stores.ledger.settle_request(request.id, str(error))
        raise
    stores.ledger.settle_request(request.id, publication.sentence)
    return publication
