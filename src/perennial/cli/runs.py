"""migrate, simulate, score, retrain, replay: running the loop without Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from perennial import wiring
from perennial.cli.choose import Actor, Model, Reason, cut_off, definition_of, held_stores, night_of
from perennial.cli.console import Json, dump, say, table
from perennial.core.interval import Interval, moment
from perennial.core.receipts import ALL, Publication

Night = Annotated[str | None, typer.Option(help="The date on which the night ends, or start/end. Default: the last complete one.")]
Until = Annotated[str | None, typer.Option(help="The cut-off: what became known later is not used. Default: the last night's end.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    for verb in (migrate, simulate, score, retrain, replay):
        app.command()(verb)


def migrate() -> None:
    """Bring the ledger's schema to the one of this version."""
    from perennial.stores.migrations import migrate as bring  # noqa: PLC0415 - Alembic, for this verb only

    with wiring.databases(wiring.settings()) as running:
        say(f"the ledger is at version {bring(running.ledger)}")


def simulate(
    connection: Annotated[str, typer.Option(help="The connection whose database gets the tables.")] = "bikes",
    seed: Annotated[int, typer.Option(help="The same seed gives the same company.")] = 7,
    days: Annotated[int, typer.Option(min=30, max=5000, help="How many days of history.")] = 500,
    *,
    as_json: Json = False,
) -> None:
    """Build a bike-share company's hourly demand, which grows, changes, breaks and has bad nights, in a source database."""
    from perennial.simulation.load import simulate as build  # noqa: PLC0415 - numpy, for this verb only
    from perennial.stores.sql_source import write_table  # noqa: PLC0415

    tables = build(seed=seed, days=days)
    with wiring.source_url(connection) as url:
        for name, content in tables.items():
            write_table(url, name, content)
    rows = {name: content.num_rows for name, content in tables.items()}
    if as_json:
        dump({"connection": connection, "seed": seed, "rows": rows})
    else:
        table(f"simulated company in {connection}, seed {seed}", ("table", "rows"), rows.items())


def score(model: Model, night: Night = None, until: Until = None, actor: Actor = "operator", *, as_json: Json = False) -> None:
    """Run one night: extract, validate, predict, monitor, decide."""
    from perennial.steps.loop import score as run  # noqa: PLC0415 - the steps import what is heavy

    definition = definition_of(model)
    interval = night_of(definition, night)
    with held_stores(model, "score", actor) as stores:
        decision = run(definition, interval, stores, as_of=moment(until) if until else interval.end)
    if as_json:
        dump(decision)
    else:
        say(f"{interval}: {decision.action}: {decision.sentence}")


def retrain(
    model: Model,
    until: Until = None,
    reason: Reason = "by hand",
    actor: Actor = "operator",
    *,
    as_json: Json = False,
) -> None:
    """Run one retraining: extract, validate, train, evaluate, publish. An open request is answered by it."""
    from perennial.definition.calendar import training_window  # noqa: PLC0415
    from perennial.steps.loop import retrain as run  # noqa: PLC0415 - the steps import what is heavy

    definition = definition_of(model)
    end = cut_off(definition, until)
    with held_stores(model, "retrain", actor) as stores:
        request = stores.ledger.claim_request(model, ALL, f"{actor} {end}", at=end)
        publication: Publication = run(
            definition,
            training_window(definition, end),
            stores,
            reason=request.reason if request else reason,
            actor=actor,
            request=request.id if request else None,
        )
        if request is not None:
            stores.ledger.settle_request(request.id, publication.sentence)
    if as_json:
        dump(publication)
    else:
        say(publication.sentence)


def replay(
    model: Model,
    start: Annotated[str, typer.Option("--from", help="Nights begin at or after this moment.")],
    until: Annotated[str, typer.Option("--until", help="Nights end at or before this moment.")],
    *,
    as_json: Json = False,
) -> None:
    """Run the loop over past nights: scoring, scheduled retrainings, and those that decisions ask for."""
    from perennial.backtest.replay import replay as run  # noqa: PLC0415 - the steps import what is heavy

    definition = definition_of(model)
    within = Interval(moment(start), moment(until))
    events = []
    with wiring.open_stores() as stores, _progress(as_json) as progress:
        task = progress.add_task(f"replaying {model}", total=within.length // timedelta(days=1))
        for event in run(definition, within, stores):
            events.append(event)
            progress.update(task, completed=(event.at - within.start) // timedelta(days=1))
    rows = [(event.at, _kind(event), _sentence(event)) for event in events]
    if as_json:
        dump([{"at": at, "kind": kind, "sentence": sentence} for at, kind, sentence in rows])
    else:
        table(f"{model}, {within}", ("at", "what", "why"), [row for row in rows if row[1] != "keep"])


def _kind(event: object) -> str:
    decision = getattr(event, "decision", None)
    return str(decision.action) if decision else "retraining"


def _sentence(event: object) -> str:
    done = getattr(event, "decision", None) or getattr(event, "publication", None)
    return str(done.sentence if done else getattr(event, "error", ""))


def _progress(quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, disable=quiet)
