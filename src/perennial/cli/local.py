"""demo, up, down, logs: Perennial and Airflow on this machine, without Docker."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.console import Json, dump, say, working

Dags = Annotated[Path, typer.Option(help="The folder of DAG files.", exists=True, file_okay=False, resolve_path=True)]
Plugins = Annotated[Path, typer.Option(help="The folder of plugins.", exists=True, file_okay=False, resolve_path=True)]
DAGS, PLUGINS = Path("dags"), Path("plugins")


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    for verb in (demo, up, down, logs):
        app.command()(verb)


def demo(dags: Dags = DAGS, plugins: Plugins = PLUGINS) -> None:
    """Tell a company's story: train, predict, notice a shock, retrain.

    A company's history under the loop, with its telling nights under a real Airflow.
    """
    from rich.console import Console  # noqa: PLC0415 - for this verb only

    from perennial.demo.run import run  # noqa: PLC0415 - everything, for this verb only
    from perennial.demo.story import StoryError  # noqa: PLC0415 - the same

    try:
        holds = run(wiring.settings(), dags=dags, plugins=plugins, console=Console())
    except StoryError as error:
        say(f"the story went another way than it must: {error}")
        raise typer.Exit(1) from error
    raise typer.Exit(0 if holds else 1)


def up(dags: Dags = DAGS, plugins: Plugins = PLUGINS, *, as_json: Json = False) -> None:
    """Start Airflow with Perennial in the background.

    Address and login are printed when it is healthy. Only one can run per PERENNIAL_HOME.
    """
    from perennial.orchestration.background import start  # noqa: PLC0415 - for this verb only

    with working("starting Airflow, which takes half a minute"):
        running = start(wiring.settings(), dags=dags, plugins=plugins)
    if as_json:
        dump({"address": running.address, "username": running.username, "password": running.password})
        return
    say(f"Airflow runs at {running.address}, user {running.username}, password {running.password}")
    say("perennial logs shows what it says, perennial down stops it")


def down(*, as_json: Json = False) -> None:
    """Stop what up started."""
    from perennial.orchestration.background import stop  # noqa: PLC0415 - for this verb only

    with working("stopping"):
        stopped = stop(wiring.settings())
    if as_json:
        dump({"stopped": stopped})
    else:
        say("stopped" if stopped else "nothing is running")


def logs(lines: Annotated[int, typer.Option(min=1, help="How many lines of each file.")] = 20, *, as_json: Json = False) -> None:
    """Show the end of the logs of what up started."""
    home = wiring.settings().home
    paths = [*home.glob("up.log"), *sorted((home / "airflow" / "logs").glob("*.log"))]
    ends = {str(path): _end(path, lines) for path in paths}
    if as_json:
        dump(ends)
        return
    for path, end in ends.items():
        say("\n".join((f"== {path}", *end)))
    if not ends:
        say(f"there are no logs in {home}")


def _end(path: Path, lines: int) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
