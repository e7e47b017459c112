"""Run the benchmarks, print the table, and write ``benchmarks/RESULTS.md``.

    python benchmarks/run.py [--rows 1000000] [--runs 5] [--stages extract_postgres,publish] [--output FILE]

Names of stages may be shortened: ``extract`` means both. The stages that take longest, ``scale``, ``engines``
(which needs the extra ``spark`` and Java) and ``honesty``, run only where they are named.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

import machine
import table
import worlds
from measure import Stage, disagreements, measure

COMPARED = ("extract_postgres", "extract_sqlite", "validate", "predict", "drift", "publish", "loop")
TOLD = ("airflow_share", "definitions")
ASKED_FOR = ("scale", "engines", "honesty")
WINDOW = 200_000
RESULTS = Path(__file__).parent / "RESULTS.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write; ends with 1 where two variants of a stage came to different results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the night")
    parser.add_argument("--runs", type=int, default=5, help="runs of each variant")
    parser.add_argument("--stages", default="", help="names or beginnings of names, by commas")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the report goes")
    asked = parser.parse_args(arguments)
    stages = _named(asked.stages)
    told, wrong = [*table.head(asked.rows, asked.runs, stages), *machine.lines()], []
    with worlds.Worlds() as made:
        for name in stages:
            module = importlib.import_module(name)
            if name in COMPARED:
                lines, faults = _compare(module.STAGE, asked.rows, asked.runs, made)
                wrong += faults
            else:
                lines = table.section(str(module.__doc__), module.report(asked.rows, asked.runs, print))
            print("\n".join(lines))
            told += lines
            asked.output.write_text("\n".join([*told, *table.faults(wrong)]) + "\n")
    print(f"\nwritten to {asked.output}")
    if wrong:
        raise SystemExit("\n".join(wrong))


def _named(text: str) -> list[str]:
    """Return the stages that *text* names, in their order.

    Raises:
        SystemExit: It names none.
    """
    if not text:
        return [*COMPARED, *TOLD]
    wanted = tuple(part.strip() for part in text.split(",") if part.strip())
    found = [name for name in (*COMPARED, *TOLD, *ASKED_FOR) if name.startswith(wanted)]
    if not found:
        raise SystemExit(f"no stage of that name; there are {', '.join((*COMPARED, *TOLD, *ASKED_FOR))}")
    return found


def _compare(stage: Stage, rows: int, runs: int, made: worlds.Worlds) -> tuple[list[str], list[str]]:
    rows = min(rows, stage.rows or rows)
    print(f"{stage.name}: {rows} rows, {runs} runs of each")
    world = made.of(rows, min(rows, WINDOW))
    stage.prepare(world)
    outcomes = measure(stage, world, runs)
    return table.lines(stage, outcomes, world), disagreements(stage, outcomes)


if __name__ == "__main__":
    main()
