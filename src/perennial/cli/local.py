"""demo, up, down, logs: Perennial and Airflow on this machine, without Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from perennial import wiring
from perennial.cli.console import say

Dags = Annotated[Path, typer.Option(help="The folder of DAG files.")]
Plugins = Annotated[Path, typer.Option(help="The folder of plugins.")]
DAGS, PLUGINS = Path("dags"), Path("plugins")


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    for verb in (demo, up, down, logs):
        app.command()(verb)


def demo(dags: Dags = DAGS, plugins: Plugins = PLUGINS) -> None:
    """Run the main job: a company's history under the loop, its telling nights under a real Airflow, then the figures."""
    from perennial.demo.run import run  # noqa: PLC0415 - everything, for this verb only
    from perennial.demo.story import StoryError  # noqa: PLC0415

    try:
        holds = run(wiring.settings(), dags=dags, plugins=plugins, console=Console())
    except StoryError as error:
        say(f"the story went another way than it must: {error}")
        raise typer.Exit(1) from error
    raise typer.Exit(0 if holds else 1)


def up(dags: Dags = DAGS, plugins: Plugins = PLUGINS) -> None:
    """Start Airflow with Perennial in the background, and print its address and login."""
    from perennial.orchestration.background import start  # noqa: PLC0415 - for this verb only

    running = start(wiring.settings(), dags=dags.absolute(), plugins=plugins.absolute())
    say(f"Airflow runs at {running.address}, user {running.username}, password {running.password}")
    say("make logs shows what it says, make down stops it")


def down() -> None:
    """Stop what ``up`` started."""
    from perennial.orchestration.background import stop  # noqa: PLC0415 - for this verb only

    say("stopped" if stop(wiring.settings()) else "nothing is running")


def logs(lines: Annotated[int, typer.Option(min=1, help="How many lines of each file.")] = 20) -> None:
    """Show the end of the logs of what ``up`` started."""
    folder = wiring.settings().home / "airflow" / "logs"
    for path in sorted(folder.glob("*.log")):
        say(f"== {path}")
        for line in path.read_text(errors="replace").splitlines()[-lines:]:
            say(line)
