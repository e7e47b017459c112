"""How fast the pages of model health are with a large fleet, many people at once.

    python benchmarks/health.py --models 500 --nights 400 --people 20

A server of its own answers on loopback from an embedded PostgreSQL. Each page is asked for by all people at once, several times
over; what counts is how long a person waits. The processor's time of the server, of its database, and the weight of a page say what
of that is the machine's.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from fleet_ledger import fill

BASE = Path(__file__).with_name("backtests") / "bike_hourly.yml"
"""The definition that all models have, but for their names."""
MODEL = "/models/model_0007/all"
PAGES = {
    "fleet": "/",
    "fleet, page 7, by drift": "/?order=drift&page=7",
    "fleet, by loss": "/?order=loss",
    "fleet, searched": "/?q=model_01",
    "model, 120 days": MODEL,
    "model, 120 days, each person another": "/models/model_{person:04}/all",
    "model, 365 days": f"{MODEL}?days=365",
    "nights": f"{MODEL}/nights",
    "night": f"{MODEL}/night",
    "drift": f"{MODEL}/drift",
    "versions": f"{MODEL}/versions",
    "promotions": f"{MODEL}/promotions",
    "predictions": f"{MODEL}/predictions?entity=entity+7",
    "JSON of the fleet": "/api/fleet",
}


def main() -> None:
    """Fill a ledger, serve it, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--nights", type=int, default=400)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--each", type=int, default=5, help="How often each person asks for each page.")
    parser.add_argument("--home", type=Path, help="A folder with a ledger that was filled before; by default a new one.")
    asked = parser.parse_args()
    with _home(asked) as home, _served(home) as (port, process):
        print(f"{asked.models} models, {asked.nights} nights, {asked.people} people\n")
        print("| page | median, ms | 95 %, ms | CPU of server + database, ms | weight, KB |\n| --- | ---: | ---: | ---: | ---: |")
        for name, path in PAGES.items():
            print(_row(name, path, port, (process.pid, _postmaster(home)), asked), flush=True)


@contextmanager
def _home(asked: argparse.Namespace) -> Iterator[Path]:
    if asked.home:
        yield asked.home
        return
    from perennial import wiring

    with TemporaryDirectory(prefix="perennial-") as folder:
        home = Path(folder)
        with wiring.databases(wiring.Settings.of({"PERENNIAL_HOME": folder})) as running:
            fill(running.ledger.replace("+psycopg", ""), models=asked.models, nights=asked.nights)
            _define(home, asked.models)
            yield home


def _define(home: Path, models: int) -> None:
    """Write a definition of each model, as the page of a night asks for it."""
    text = BASE.read_text(encoding="utf-8")
    for number in range(1, models + 1):
        name = f"model_{number:04}"
        (home / f"{name}.yml").write_text(text.replace(f"name: {BASE.stem}\n", f"name: {name}\n"), encoding="utf-8")


@contextmanager
def _served(home: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    environment = {**os.environ, "PERENNIAL_HOME": str(home), "PERENNIAL_DEFINITIONS": str(home)}
    server = Path(__file__).with_name("health_server.py")
    with subprocess.Popen([sys.executable, str(server)], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process
        finally:
            process.terminate()


def _row(name: str, path: str, port: int, pids: tuple[int, int], asked: argparse.Namespace) -> str:
    _ask(port, path.format(person=1))  # what is imported and kept at the first request
    before = _cpu(pids[0]), _family(pids[1])
    turns = range(asked.people * asked.each)
    with ThreadPoolExecutor(asked.people) as people:
        took = sorted(people.map(lambda turn: _ask(port, path.format(person=turn % asked.people + 1)), turns))
    waits, weight = [one for one, _ in took], took[0][1]
    server, database = ((now - then) / len(took) * 1e3 for now, then in zip((_cpu(pids[0]), _family(pids[1])), before, strict=True))
    worst = waits[int(len(waits) * 0.95)]
    return f"| {name} | {median(waits) * 1e3:.0f} | {worst * 1e3:.0f} | {server:.1f} + {database:.1f} | {weight / 1e3:.0f} |"


def _ask(port: int, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 200, (path, answer.status, json.dumps(content[:300].decode(errors="replace")))
    return time.perf_counter() - began, len(content)


def _postmaster(home: Path) -> int:
    """Return the process that all of the database's are children of."""
    return int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def _family(pid: int) -> float:
    """Return the seconds of processor time that a process and its children have used, those that ended included."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return _cpu(pid, ended=True) + sum(_cpu(int(child)) for child in children)


def _cpu(pid: int, *, ended: bool = False) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended else 13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
