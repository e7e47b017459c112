"""score and retrain: one night, or one retraining, without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Actor, Model, cut_off, definition_of, held_stores, night_of
from perennial.cli.console import Json, cell_text, dump, say, working
from perennial.core.codes import Code
from perennial.core.errors import ConflictError
from perennial.core.interval import moment
from perennial.steps.jobs import FIT

if TYPE_CHECKING:
    from perennial.core.receipts import Publication
    from perennial.definition.models import Definition
    from perennial.ports import Stores
    from perennial.steps.assign import Person

Night = Annotated[
    str | None,
    typer.Option(help="The date on which the night ends, or start/end. Default: the last complete one.", show_default=False),
]
Until = Annotated[
    str | None,
    typer.Option(help="The cut-off: what became known later is not used. Default: the night's end.", show_default=False),
]
Force = Annotated[
    bool, typer.Option("--force", help="Retrain against cooldown and budget, and although another run has the request.")
]
Reproduce = Annotated[
    str | None,
    typer.Option(
        metavar="RUN", help="A training run or version: train it again, and say whether it is the same.", show_default=False
    ),
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
    with working(f"scoring {model}"), held_stores(model, "score", wiring.holder(actor)) as stores:
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
    reproduce: Reproduce = None,
    actor: Actor = "operator",
    *,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Run one retraining: extract, validate, train, evaluate, publish.

    A request that waits is answered by it. Without one it files its own, which cooldown and budget may refuse.
    With --reproduce it trains once more what was trained before, and nothing is recorded.
    The snapshot and the definition are those of then.
    The exit code is 1 where another model, baseline or reference profile came out than then.
    """
    if reproduce is not None:
        if until is not None or force:
            raise typer.BadParameter("goes with neither --until nor --force", param_hint="--reproduce")
        _reproduce(definition_of(model), reproduce, as_json=as_json)
        return
    from perennial.steps.assign import Person  # noqa: PLC0415 - croniter, for the verbs that need it

    definition = definition_of(model)
    person = Person(name=actor, cut_off=cut_off(definition, until), reason=reason, exact=until is not None, force=force)
    holder = wiring.holder(actor)
    with working(f"retraining {model}"), held_stores(model, "retrain", holder) as stores:
        publication = _retrain(definition, stores, person, holder)
    if as_json:
        dump(publication)
    else:
        say(publication.sentence)


def _retrain(definition: Definition, stores: Stores, person: Person, holder: str) -> Publication:
    """Retrain for *person*.

    Raises:
        ConflictError: RETRAIN_REFUSED.
    """
    from perennial.steps.assign import by_hand  # noqa: PLC0415 - croniter, for the verbs that need it

    job, why = by_hand(definition, stores.ledger, person, claimed_by=holder)
    if job is None:
        fix = f"perennial retrain {definition.name} --force"
        raise ConflictError(Code.RETRAIN_REFUSED, why, where=definition.name, fix=fix)
    stores.workshop.prepare(FIT)  # it imports what is heavy while this process does
    from perennial.steps.fulfil import fulfil  # noqa: PLC0415 - the steps import what is heavy

    return fulfil(definition, job, stores, claimed_by=holder, actor=person.name)


def _reproduce(definition: Definition, run: str, *, as_json: bool) -> None:
    with working(f"training {run} again"), wiring.open_stores() as stores:
        from perennial.steps.reproduce import reproduce  # noqa: PLC0415 - the steps import what is heavy

        found = reproduce(definition, stores, run=run)
    if as_json:
        dump(found)
    else:
        say(found.sentence)
    if not found.equal:
        raise typer.Exit(1)
