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

MODEL = "/models/model_0007/all"
PAGES = {
    "fleet": "/",
    "fleet, page 7, by drift": "/?order=drift&page=7",
    "fleet, by loss": "/?order=loss",
    "fleet, searched": "/?q=model_01",
    "model, 120 days": MODEL,
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
        print("| page | median, ms | 95 %, ms | server's CPU, ms a page | weight, KB |\n| --- | ---: | ---: | ---: | ---: |")
        for name, path in PAGES.items():
            print(_row(name, path, port, process.pid, asked), flush=True)


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
            yield home


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


def _row(name: str, path: str, port: int, pid: int, asked: argparse.Namespace) -> str:
    _ask(port, path)  # what is imported and kept at the first request
    before = _cpu(pid)
    with ThreadPoolExecutor(asked.people) as people:
        took = sorted(people.map(lambda _: _ask(port, path), range(asked.people * asked.each)))
    waits, weight = [one for one, _ in took], took[0][1]
    cpu = (_cpu(pid) - before) / len(took)
    return (
        f"| {name} | {median(waits) * 1e3:.0f} | {waits[int(len(waits) * 0.95)] * 1e3:.0f} | {cpu * 1e3:.1f} | {weight / 1e3:.0f} |"
    )


def _ask(port: int, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 200, (path, answer.status, json.dumps(content[:300].decode(errors="replace")))
    return time.perf_counter() - began, len(content)


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
