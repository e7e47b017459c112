"""score and retrain: one night, or one retraining, without Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import LEASE, Actor, Model, cut_off, definition_of, night_of
from perennial.cli.console import Json, cell_text, dump, say, working
from perennial.cli.segments import AnySegment, chosen, each, said_of
from perennial.core.codes import Code
from perennial.core.errors import ConflictError, DataError
from perennial.core.interval import moment
from perennial.steps.jobs import FIT

if TYPE_CHECKING:
    from datetime import datetime

    from perennial.core.interval import Interval
    from perennial.core.receipts import Decision, Publication
    from perennial.definition.models import Definition
    from perennial.ports import Stores
    from perennial.steps.assign import Person
    from perennial.steps.others import Others

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


def score(
    model: Model,
    night: Night = None,
    until: Until = None,
    segment: AnySegment = None,
    *,
    actor: Actor,
    as_json: Json = False,
) -> None:
    """Run one night: extract, validate, predict, monitor, decide.

    Of several segments each is run, one after another; what one cannot do does not stop the others, and is told at the end.
    Then the rows that belong to none are counted.
    """
    definition = definition_of(model)
    interval = night_of(definition, night)
    job = _Night(definition, interval, moment(until) if until is not None else interval.end, wiring.holder(actor))
    with working(f"scoring {model}"), wiring.open_stores() as stores:
        done = each(chosen(definition, segment), lambda name: _score(job, stores, name))
        left = _others(job, stores) if segment is None and definition.segments else None
    if as_json:
        dump({"decisions": [*done.results.values()], "others": left} if left else next(iter(done.results.values())))
    else:
        for name, decision in done.results.items():
            say(f"{said_of(definition, name)}{cell_text(interval)}: {decision.action}: {decision.sentence}")
        if left is not None:
            say(left.sentence)
    refused = [DataError(Code.SEGMENT_OTHERS, left.sentence, where=model)] if left and left.refused else []
    done.end(*refused)


def retrain(
    model: Model,
    until: Until = None,
    reason: Reason = "by hand",
    reproduce: Reproduce = None,
    segment: AnySegment = None,
    *,
    actor: Actor,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Run one retraining: extract, validate, train, evaluate, publish.

    A request that waits is answered by it. Without one it files its own, which cooldown and budget may refuse.
    Of several segments each is retrained, one after another; what one cannot do does not stop the others, and is told at the end.
    With --reproduce it trains once more what was trained before, and nothing is recorded.
    The snapshot and the definition are those of then.
    The exit code is 1 where another model, baseline or reference profile came out than then.
    """
    if reproduce is not None:
        if until is not None or force or segment is not None:
            raise typer.BadParameter("goes with none of --until, --force and --segment", param_hint="--reproduce")
        _reproduce(definition_of(model), reproduce, as_json=as_json)
        return
    from perennial.steps.assign import Person  # noqa: PLC0415 - croniter, for the verbs that need it

    definition = definition_of(model)
    person = Person(name=actor, cut_off=cut_off(definition, until), reason=reason, exact=until is not None, force=force)
    names, holder = chosen(definition, segment), wiring.holder(actor)
    with working(f"retraining {model}"), wiring.open_stores() as stores:
        done = each(names, lambda name: _retrain(definition, name, stores, person, holder))
    if as_json:
        found = [*done.results.values()]
        dump(found if len(names) > 1 else found[0])
    else:
        for name, publication in done.results.items():
            say(f"{said_of(definition, name)}{publication.sentence}")
    done.end()


@dataclass(frozen=True, slots=True)
class _Night:
    """What somebody wants scored."""

    definition: Definition
    interval: Interval
    as_of: datetime
    holder: str


def _score(job: _Night, stores: Stores, segment: str) -> Decision:
    from perennial.steps.loop import score as run  # noqa: PLC0415 - the steps import what is heavy

    with stores.leased(job.definition.name, segment, "score", holder=job.holder, ttl=LEASE) as held:
        return run(job.definition, job.interval, held, as_of=job.as_of, segment=segment)


def _others(job: _Night, stores: Stores) -> Others:
    from perennial.steps.others import others  # noqa: PLC0415 - the steps import what is heavy

    return others(job.definition, job.interval, stores, as_of=job.as_of)


def _retrain(definition: Definition, segment: str, stores: Stores, person: Person, holder: str) -> Publication:
    """Retrain for *person*.

    Raises:
        ConflictError: RETRAIN_REFUSED.
    """
    from perennial.steps.assign import by_hand  # noqa: PLC0415 - croniter, for the verbs that need it

    with stores.leased(definition.name, segment, "retrain", holder=holder, ttl=LEASE) as held:
        job, why = by_hand(definition, held.ledger, person, claimed_by=holder, segment=segment)
        if job is None:
            named = f" --segment {segment}" if definition.segments else ""
            fix = f"perennial retrain {definition.name}{named} --force"
            raise ConflictError(Code.RETRAIN_REFUSED, why, where=definition.name, fix=fix)
        held.workshop.prepare(FIT)  # it imports what is heavy while this process does
        from perennial.steps.fulfil import fulfil  # noqa: PLC0415 - the steps import what is heavy

        return fulfil(definition, job, held, claimed_by=holder, actor=person.name)


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
