"""Backtests of public sets: print the tables, and write ``benchmarks/BACKTESTS.md``.

    python benchmarks/backtest.py --data FOLDER [--sets bike_hourly,elec2] [--parts night,speed] [--nights 60] [--work FOLDER]

Each part of each set runs in a process of its own. What was told before stands in the folder ``--work``, beside what was fitted,
and the report has all of it, each row with its commit. Without ``--work`` nothing is kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import resource
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import machine
from backtest_run import Asked
from judge import section

PARTS = ("reproduce", "policies", "night", "speed", "processes")
DATA = "PERENNIAL_REAL_DATA"
REPORT = Path(__file__).parent / "BACKTESTS.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts, print their rows, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get(DATA), help=f"folder with the sets; else {DATA}")
    parser.add_argument("--sets", default="", help="names, by commas; else those of each part")
    parser.add_argument("--parts", default=",".join(PARTS), help="names, by commas; none writes the report anew")
    parser.add_argument("--nights", type=int, help="so many of each set; else what each part takes")
    parser.add_argument("--beats", default="weekly", help="for policies: nightly, weekly, monthly, by commas")
    parser.add_argument("--usual", action="store_true", help="for policies: all that are tried where nobody says otherwise")
    parser.add_argument("--work", type=Path, help="folder for what is kept between calls")
    parser.add_argument("--output", type=Path, default=REPORT, help="where the report goes")
    given = parser.parse_args(arguments)
    if given.data is None or not given.data.is_dir():
        raise SystemExit(f"no folder with the sets: --data, or {DATA}")
    with ExitStack() as stack:
        work = given.work or Path(stack.enter_context(TemporaryDirectory()))
        asked = Asked(given.data, work, given.nights, tuple(given.beats.split(",")), given.usual)
        for part in filter(None, given.parts.split(",")):
            for name in given.sets.split(",") if given.sets else _part(part).SETS:
                print("\n".join(_measured(part, name, asked)), flush=True)
        given.output.write_text("\n".join(_report(work)) + "\n")
    print(f"\nwritten to {given.output}")


def _measured(part: str, name: str, asked: Asked) -> list[str]:
    """Return the rows of a part and a set, from a process of its own, and keep them."""
    told = asked.work / "told" / f"{part}.{name}.json"
    told.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        rows, said = process.submit(measured, part, name, asked).result()
    nights = f", {asked.nights} nights" if asked.nights else ""
    told.write_text(
        json.dumps({"rows": rows, "said": f"{name}{nights}: {said}; {_commit()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"})
    )
    return [*rows, f"  {part} {name}: {said}"]


def measured(part: str, name: str, asked: Asked) -> tuple[list[str], str]:
    """Return the rows of a part and a set, and what this process and its children took."""
    rows = _part(part).measure(name, asked)
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = sum(one.ru_utime + one.ru_stime for one in (own, children))
    return rows, f"{seconds:.0f} s of CPU, {own.ru_maxrss / 1024:.0f} MB at most, load {os.getloadavg()[0]:.1f} at the end"


def _report(work: Path) -> Iterator[str]:
    yield from ("# Backtests of public sets", "", "`make backtests DATA=folder`", "")
    today, cores, ours, *_ = machine.lines()
    yield from (today, cores.partition("; load")[0], ours)
    yield "- Each line below a table says when, and at which commit, its rows were measured."
    for name in PARTS:
        told = [json.loads(path.read_text()) for path in sorted((work / "told").glob(f"{name}.*.json"))]
        if told:
            part = _part(name)
            rows = [row for one in told for row in one["rows"]]
            yield from section(str(part.__doc__), [*part.HEAD, *rows, "", *(f"- {one['said']}" for one in told)])


def _part(name: str) -> Any:  # noqa: ANN401 - a module
    if name not in PARTS:
        raise SystemExit(f"no part of that name; there are {', '.join(PARTS)}")
    return importlib.import_module(f"backtest_{name}")


def _commit() -> str:
    """Return the commit, and whether files differ from it."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return found.stdout.strip() or "no commit"


if __name__ == "__main__":
    main()
