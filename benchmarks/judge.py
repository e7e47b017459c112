"""Judge the monitoring on data whose truth is known, print the tables, and write ``benchmarks/JUDGED.md``.

    python benchmarks/judge.py [--trials 400] [--parts quiet,decay] [--data FOLDER] [--output FILE]

``--trials`` is how many nights each cell of a table has. Parts may be shortened. *--data* names the folder with the real sets;
what is not there is left out, and said so. The draws are seeded: the same trials give the same tables.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import time
from collections.abc import Sequence
from pathlib import Path

import machine

PARTS = ("quiet", "differ", "power", "decay", "baseline", "peers", "data", "real_decay")
REAL = "PERENNIAL_REAL_DATA"
"""The environment variable that names the folder, as it does for the tests."""

JUDGED = Path(__file__).parent / "JUDGED.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400, help="nights of each cell")
    parser.add_argument("--parts", default="", help="names or beginnings of names, by commas")
    parser.add_argument("--data", type=Path, default=os.environ.get(REAL), help=f"folder with the real sets; else {REAL}")
    parser.add_argument("--output", type=Path, default=JUDGED, help="where the report goes")
    asked = parser.parse_args(arguments)
    parts = named(asked.parts)
    told = ["# The monitoring, judged", "", _command(asked), "", *machine.judged()]
    for name in parts:
        module, began = importlib.import_module(f"judge_{name}"), time.process_time()
        told += section(str(module.__doc__), module.report(asked.trials, asked.data, print))
        print(f"  {name}: {time.process_time() - began:.0f} s of CPU")
        asked.output.write_text("\n".join(told) + "\n")
    print(f"\nwritten to {asked.output}")


def _command(asked: argparse.Namespace) -> str:
    """Return what was run, without where the sets lay."""
    parts, sets = f" PARTS={asked.parts}" if asked.parts else "", " DATA=folder" if asked.data else ""
    return f"`make judge TRIALS={asked.trials}{parts}{sets}`"


def named(text: str) -> list[str]:
    """Return the parts that *text* names, in their order; all where it is empty.

    Raises:
        SystemExit: It names none.
    """
    wanted = tuple(part.strip() for part in text.split(",") if part.strip())
    found = [name for name in PARTS if not wanted or name.startswith(wanted)]
    if not found:
        raise SystemExit(f"no part of that name; there are {', '.join(PARTS)}")
    return found


def section(doc: str, found: Sequence[str]) -> list[str]:
    """Return a section under the first line of a module's text, with the rest of the text below it as it stands."""
    first, _, rest = inspect.cleandoc(doc).partition("\n")
    return ["", f"## {first.rstrip('.')}", "", *rest.strip().split("\n"), "", *found]


if __name__ == "__main__":
    main()
