"""How long 500 definitions take to check, and 200 of them to parse as DAGs: whole processes, from their start.

Nothing is compared here: the figures stand beside what authors of definitions wait for.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "config" / "models" / "bike_demand.yml"

PARSE = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
import airflow.dag_processing.processor
began = time.perf_counter()
bag = DagBag(sys.argv[1], bundle_name="dags-folder")
print(json.dumps({"dags": len(bag.dags), "errors": len(bag.import_errors), "seconds": time.perf_counter() - began}))
"""


def report(rows: int, runs: int, say: Callable[[str], None]) -> list[str]:  # noqa: ARG001 - definitions have no rows
    """Measure both, and return the medians after a run that is not counted, as lines of Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        many, some = Path(folder) / "many", Path(folder) / "some"
        _definitions(many, 500)
        _definitions(some, 200)
        say("  definitions: 500 to check, 200 to parse")
        checked, parsed = _median(lambda: _check(many), runs), _median(lambda: _parse(some), runs)
        return [
            f"- `perennial check`, 500 definitions, deep, whole process: {checked:.2f} s",
            f"- the DAG files parsed with 200 definitions (400 DAGs), Airflow imported: {parsed:.2f} s",
        ]


def _definitions(folder: Path, number: int) -> None:
    """Write *number* definitions that differ in name and in the estimator's parameters."""
    folder.mkdir()
    text = SHIPPED.read_text()
    for index in range(number):
        named = text.replace("name: bike_demand", f"name: bike_{index}", 1)
        (folder / f"bike_{index}.yml").write_text(named.replace("min_samples_leaf: 48", f"min_samples_leaf: {index + 1}"))


def _check(folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run([Path(sys.executable).with_name("perennial"), "check", folder], check=True, capture_output=True)
    return time.perf_counter() - began


def _parse(folder: Path) -> float:
    environment = {**os.environ, "AIRFLOW_HOME": str(folder.parent), "PERENNIAL_DEFINITIONS": str(folder)}
    command = [sys.executable, "-c", PARSE, str(ROOT / "dags")]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    answer = json.loads(output.strip().splitlines()[-1])
    if (answer["dags"], answer["errors"]) != (400, 0):
        sys.exit(f"parsed {answer}")
    return float(answer["seconds"])


def _median(measure: Callable[[], float], runs: int) -> float:
    return statistics.median([measure() for _ in range(runs + 1)][1:])
