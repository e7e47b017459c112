"""backtest: what each retraining policy would have cost on a model's own history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial import wiring
from perennial.cli.calibrating import show_calibration
from perennial.cli.choose import Model, cut_off, definition_of
from perennial.cli.console import Json, cell_text, dump, say, table
from perennial.cli.segments import Segment, segment_named
from perennial.core.interval import Interval, moment

if TYPE_CHECKING:
    from rich.progress import TaskID

    from perennial.backtest.findings import Aged, Control, Findings, TriedPolicy
    from perennial.backtest.policies import Policy
    from perennial.backtest.walk import Round
    from perennial.core.receipts import Estimate
    from perennial.definition.models import Definition


def register(app: typer.Typer) -> None:
    """Add the verb to *app*."""
    app.command()(backtest)


def backtest(
    model: Model,
    segment: Segment = None,
    start: Annotated[
        str | None, typer.Option("--from", help="The first model knows what was known then.", show_default="a window")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="The last night ends then.", show_default="the newest night")] = None,
    policies: Annotated[Path | None, typer.Option("--policies", help="A YAML file with policies; else the usual ones.")] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Where fits are kept; else below PERENNIAL_HOME.")] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="How many models are fitted at a time.")] = 2,
    report: Annotated[Path | None, typer.Option("--report", help="Write a report to this HTML file.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say when retraining would have paid.

    The history is walked through under each policy with the steps that the DAGs run: never, nightly, weekly and monthly, on drift,
    on decay, by age, and the definition's own, with the gates and without. The ledger is not touched. What was found once is kept,
    so that an interrupted call soon is where it was.
    """
    from perennial.backtest.backtest import backtest as run  # noqa: PLC0415 - the steps import what is heavy
    from perennial.backtest.shelf import Shelf  # noqa: PLC0415 - the same

    definition = definition_of(model)
    within = Interval(moment(start) if start else _first(definition), cut_off(definition, until))
    of = segment_named(definition, segment)
    tried, folder = _policies(definition, policies), cache or wiring.settings().home / "backtest"
    with ExitStack() as opened:
        reading = opened.enter_context(wiring.open_reading({definition.source.connection, definition.labels.connection}))
        workshops = [opened.enter_context(closing(wiring.new_workshop())) for _ in range(processes)]
        told = opened.enter_context(_progress())
        found = run(definition, tried, within, reading, shelf=Shelf(folder), workshops=workshops, segment=of, progress=told)
    if report is not None:
        from perennial.backtest.report.page import page  # noqa: PLC0415 - matplotlib, an extra

        report.write_text(page(found), encoding="utf-8")
    dump(found) if as_json else _show(found)


def _first(definition: Definition) -> datetime:
    """Return the first end of a night after a whole window, or, where the window expands, after a fifth of the schedule's time."""
    from perennial.definition.calendar import midnight, next_tick  # noqa: PLC0415 - croniter, for the verbs that need it

    schedule = definition.schedule
    begun = midnight(schedule.start, schedule.timezone)
    length = schedule.window.length or (cut_off(definition, None) - begun) / 5
    return next_tick(schedule.score, schedule.timezone, begun + length - timedelta.resolution)


def _policies(definition: Definition, file: Path | None) -> list[Policy]:
    from perennial.backtest.policies import standard  # noqa: PLC0415 - for this verb only
    from perennial.backtest.policy_file import read_policies  # noqa: PLC0415 - the same

    return list(standard(definition)) if file is None else read_policies(file, definition)


def _show(found: Findings) -> None:
    title = f"{found.model}, {cell_text(found.within)}: {found.loss} a row on {found.nights} nights that all policies predicted"
    columns = ["policy", "loss", "worst 30", "retrained", "refused", "alarms", "faults", "fits s"]
    costs = any(one.cost is not None for one in found.policies)
    table(title, [*columns, *(["cost"] if costs else [])], [_row(one, costs=costs) for one in found.policies])
    say("* best in hindsight; + none loses less with as few retrainings; in brackets the 95 % interval")
    say("")
    table("controls", ("control", "loss", "retrained", "what it is"), [_control(one) for one in found.controls])
    say("")
    ages = [(_age(one), one.nights, _range(one.loss), _range(one.beside_freshest)) for one in found.staleness]
    table("by the age of what the champion knows", ("days", "nights", "loss", "times the freshest"), ages)
    if found.monitoring is not None:
        say("")
        show_calibration(found.monitoring.calibration)
        say(f"Under the policy {found.monitoring.policy}: {found.monitoring.advice}")
    if found.recommendation is not None:
        say("")
        say(found.recommendation.sentence)
        say("")
        for line in found.recommendation.lines.splitlines():
            say(line)


def _row(one: TriedPolicy, *, costs: bool) -> list[object]:
    marks = ("*" if one.best else "") + ("+" if one.pareto else "")
    counts = (one.retrainings, one.refused, one.alarms, one.faults, f"{one.seconds:.1f}")
    return [f"{one.policy.name} {marks}".strip(), _range(one.loss), one.worst, *counts, *([one.cost] if costs else [])]


def _control(one: Control) -> tuple[object, ...]:
    return one.name, _range(one.loss), one.retrainings, one.sentence


def _age(one: Aged) -> str:
    return f"{one.youngest:g} to {one.oldest:g}" if one.oldest is not None else f"over {one.youngest:g}"


def _range(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return cell_text(found.value)
    return f"{found.value:.4g} ({found.low:.4g} to {found.high:.4g})"


@contextmanager
def _progress() -> Iterator[Callable[[str, Round], None]]:
    """Show how far it is, and how long it will take, to a person at a terminal, on standard error."""
    from rich.console import Console  # noqa: PLC0415 - for this verb only
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console, tasks = Console(stderr=True), dict[str, "TaskID"]()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:

        def told(what: str, done: Round) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=done.total)
            shown.update(tasks[what], completed=done.number)

        yield told
