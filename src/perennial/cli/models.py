"""models: who is champion, what a version is made of, two versions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.choose import definition_of
from perennial.cli.comparing import show_comparison
from perennial.cli.console import Json, cell_text, dump, fields, say, table, working
from perennial.cli.rewrites import rewrites
from perennial.core.receipts import ALL, Decision, Evaluation, ModelVersion, Moment, Promotion, Receipt

if TYPE_CHECKING:
    from perennial.ports import Stores

app = typer.Typer(help="Versions and champions.", no_args_is_help=True, rich_markup_mode=None)
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A model version's id.", show_default=False)]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The id of the version to compare it with.", show_default=False)]


class Row(Receipt):
    """One model as ``models list`` shows it."""

    model: str
    segment: str
    champion: str | None
    epoch: int | None
    since: Moment | None
    last_night: Moment | None
    decision: str | None
    sentence: str | None


@app.command("list")
def list_models(*, as_json: Json = False) -> None:
    """Show every model and segment with champion and last decision."""
    from perennial.definition.loader import load_folder  # noqa: PLC0415 - YAML, for the verbs that need it

    loaded = load_folder(wiring.definitions_folder())
    with wiring.open_stores() as stores:
        rows = [_row(found.name, segment, stores) for found in loaded.definitions for segment in found.segment_names]
    if as_json:
        dump(rows)
        return
    columns = ("model", "champion", "since", "last night", "decision")
    table("models", columns, [(_called(row), row.champion, row.since, row.last_night, row.decision) for row in rows])
    if loaded.errors:
        say(f"{len(loaded.errors)} more with faults in the definition; see perennial check")


@app.command()
def show(version: Version, *, as_json: Json = False) -> None:
    """Show a version.

    What it is made of, how it was judged, when it became champion, and whether the source was rewritten since it was trained.
    """
    with wiring.open_stores() as stores:
        made = stores.ledger.get(ModelVersion, version)
        judged = [row for row in stores.ledger.history(Evaluation, made.model, made.segment) if row.challenger == version]
        reigned = [row for row in stores.ledger.history(Promotion, made.model, made.segment) if row.version == version]
        rewritten = rewrites(stores.ledger, "snapshot", made.snapshot)
    if as_json:
        dump({"version": made, "evaluations": judged, "promotions": reigned, "rewrites": rewritten})
        return
    table(version, ("what", "which"), [*fields(made), *(one.row for one in rewritten)])
    for evaluation in judged:
        gates = [(gate.gate, gate.verdict, gate.sentence) for gate in evaluation.gates]
        say("")
        table(f"evaluation: {evaluation.verdict}", ("gate", "verdict", "why"), gates)
        importance = [(name, one.mean, f"{cell_text(one.low)} to {cell_text(one.high)}") for name, one in evaluation.ranked]
        if importance:
            say("")
            table("importance: what the loss grows by without it", ("column", "mean", "of the shuffles"), importance)
    promotions = [(row.epoch, row.kind, row.effective_from, row.actor, row.reason) for row in reigned]
    say("")
    table("promotions", ("epoch", "kind", "from", "by", "why"), promotions)


@app.command()
def compare(version: Version, other: Other, *, as_json: Json = False) -> None:
    """Say which of two versions is better, and how surely.

    Both are scored on the newest labelled rows that neither was trained on, whether they were champion or not.
    The gates of the definition are told for the first one as a challenger of the other.
    """
    with wiring.open_stores() as stores:
        definition = definition_of(stores.ledger.get(ModelVersion, version).model)
        with working("comparing"):
            from perennial.steps.compare import compare as run  # noqa: PLC0415 - the steps import what is heavy

            result = run(definition, stores, first=version, second=other)
    if as_json:
        dump(result)
        return
    show_comparison(result, version, other)


def _called(row: Row) -> str:
    return row.model if row.segment == ALL else f"{row.model}/{row.segment}"


def _row(model: str, segment: str, stores: Stores) -> Row:
    champion = stores.ledger.champion(model, segment)
    nights = stores.ledger.history(Decision, model, segment, newest=1)
    last = nights[-1] if nights else None
    return Row(
        model=model,
        segment=segment,
        champion=champion.version if champion else None,
        epoch=champion.epoch if champion else None,
        since=champion.effective_from if champion else None,
        last_night=last.interval.end if last else None,
        decision=last.action.value if last else None,
        sentence=last.sentence if last else None,
    )
