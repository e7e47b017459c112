"""models: who is champion, what a version is made of, two versions side by side; promote and roll back."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.choose import Actor, Model, Reason, definition_of
from perennial.cli.console import Json, dump, say, table
from perennial.core.receipts import ALL, Decision, Evaluation, ModelVersion, Promotion, Receipt
from perennial.definition.loader import load_folder
from perennial.ports import Stores

app = typer.Typer(help="Versions and champions.", no_args_is_help=True)
Version = Annotated[str, typer.Argument(help="A model version's id.", show_default=False)]


class Row(Receipt):
    """One model as ``models list`` shows it."""

    model: str
    champion: str | None
    epoch: int | None
    since: str | None
    last_night: str | None
    decision: str | None
    sentence: str | None


@app.command("list")
def list_models(*, as_json: Json = False) -> None:
    """Show every model with its champion and its last decision."""
    with wiring.open_stores() as stores:
        rows = [_row(definition.name, stores) for definition in load_folder(wiring.definitions_folder()).definitions]
    if as_json:
        dump(rows)
    else:
        table("models", tuple(Row.model_fields), [tuple(row.model_dump().values()) for row in rows])


@app.command()
def show(version: Version, *, as_json: Json = False) -> None:
    """Show what a version is made of, how it was judged, and when it was champion."""
    with wiring.open_stores() as stores:
        made = stores.ledger.get(ModelVersion, version)
        judged = [row for row in stores.ledger.history(Evaluation, made.model, made.segment) if row.challenger == version]
        reigned = [row for row in stores.ledger.history(Promotion, made.model, made.segment) if row.version == version]
    if as_json:
        dump({"version": made, "evaluations": judged, "promotions": reigned})
        return
    table(version, ("field", "value"), made.model_dump(mode="json").items())
    for evaluation in judged:
        table(
            f"evaluation: {evaluation.verdict}",
            ("gate", "verdict", "why"),
            [tuple(gate.model_dump().values()) for gate in evaluation.gates],
        )
    table(
        "champion",
        ("epoch", "kind", "from", "by", "why"),
        [(row.epoch, row.kind, row.effective_from, row.actor, row.reason) for row in reigned],
    )


@app.command()
def compare(first: Version, second: Version, *, as_json: Json = False) -> None:
    """Score two versions on the newest labelled rows that neither was trained on, and say which is better and how surely."""
    from perennial.steps.compare import compare as run  # noqa: PLC0415 - the steps import what is heavy

    with wiring.open_stores() as stores:
        result = run(definition_of(stores.ledger.get(ModelVersion, first).model), stores, first=first, second=second)
    if as_json:
        dump(result)
        return
    names = tuple(result.metrics[first])
    shown = [(name, *(_estimate(result.metrics[version][name]) for version in (first, second))) for name in names]
    table(f"{result.rows} rows of {result.interval}", ("metric", first, second), shown)
    say(result.sentence)


@app.command()
def promote(version: Version, reason: Reason, actor: Actor = "operator", *, as_json: Json = False) -> None:
    """Approve a version's evaluation, which must have passed, and make it champion."""
    from perennial.steps.promote import promote as run  # noqa: PLC0415 - the steps import what is heavy

    with wiring.open_stores() as stores:
        definition = definition_of(stores.ledger.get(ModelVersion, version).model)
        publication = run(definition, stores, version=version, reason=reason, actor=actor)
    if as_json:
        dump(publication)
    else:
        say(publication.sentence)


@app.command()
def rollback(
    model: Model,
    reason: Reason,
    to: Annotated[str | None, typer.Option(help="An earlier champion; by default the one before.")] = None,
    actor: Actor = "operator",
    *,
    as_json: Json = False,
) -> None:
    """Make an earlier champion champion again, from now on."""
    from perennial.steps.rollback import rollback as run  # noqa: PLC0415

    with wiring.open_stores() as stores:
        done = run(definition_of(model), ALL, stores, effective_from=wiring.now(), reason=reason, actor=actor, to=to)
    if as_json:
        dump(done)
    else:
        say(f"{done.version} is champion at epoch {done.epoch} from {done.effective_from:%Y-%m-%d %H:%M}Z: {done.reason}")


def _row(model: str, stores: Stores) -> Row:
    champion = stores.ledger.champion(model)
    nights = stores.ledger.history(Decision, model, newest=1)
    last = nights[-1] if nights else None
    return Row(
        model=model,
        champion=champion.version if champion else None,
        epoch=champion.epoch if champion else None,
        since=f"{champion.effective_from:%Y-%m-%d}" if champion else None,
        last_night=f"{last.interval.end:%Y-%m-%d}" if last else None,
        decision=last.action.value if last else None,
        sentence=last.sentence if last else None,
    )


def _estimate(estimate: object) -> str:
    value, low, high = (getattr(estimate, name) for name in ("value", "low", "high"))
    return f"{value:.4g}" if low is None or high is None else f"{value:.4g} [{low:.4g}, {high:.4g}]"
