"""What a fresh process imports, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

GOOD = Path(__file__).parents[2] / "config" / "models" / "bike_demand.yml"

_LOADED = """
import sys
from perennial.orchestration.plugin import PerennialPlugin
print(sorted({"fastapi", "jinja2", "numpy", "pyarrow", "sqlalchemy"} & set(sys.modules) - before))
"""


def test_the_plugin_imports_none_of_what_the_pages_need() -> None:
    """Beside what Airflow's own module of plugins imports: that is for the first request."""
    script = f"import sys, airflow.plugins_manager\nbefore = set(sys.modules)\n{_LOADED}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=250)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_loader_imports_nothing_heavy(tmp_path: Path) -> None:
    """DAG files load definitions at every parse, so loading one, good or broken, imports no library of the data plane."""
    good = GOOD.read_text()
    (tmp_path / GOOD.name).write_text(good)
    (tmp_path / "broken.yml").write_text(good.replace("name: bike_demand", "name: broken").replace("metric: ", "metric: no_"))
    heavy = {"pandas", "numpy", "sklearn", "scipy", "sqlalchemy", "boto3", "pyarrow", "great_expectations", "airflow"}
    script = (
        "import sys; from pathlib import Path; from perennial.definition.loader import load_folder;"
        "loaded = load_folder(Path(sys.argv[1]));"
        f"print(len(loaded.definitions), len(loaded.errors), {heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1 set()\n"


def test_the_catalogue_imports_nothing_heavy() -> None:
    """Airflow parses every DAG file over and over; it must not pay for pandas."""
    code = (
        "import sys, perennial.quality.catalog;"
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'pydantic', 'great_expectations'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_great_expectations_is_not_imported(tmp_path: Path) -> None:
    """It takes 3 s. Nor does a check in a fresh process print, log or write anything, with every warning an error."""
    code = """
import logging, sys
import pyarrow as pa
from perennial.quality.check import check
from perennial.quality.distinct import Distinct
from perennial.quality.rows import TableRows
logging.basicConfig(level="DEBUG")
rows = pa.table({"x": ["secret", None]})
check(TableRows(rows), [("expect_column_values_to_be_between", {"column": "x", "min_value": 0}),
                        ("expect_column_values_to_match_regex", {"column": "x", "regex": "^(a|b)$"}),
                        ("expect_column_mean_to_be_between", {"column": "x", "min_value": 0})])
assert "great_expectations" not in sys.modules
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    environment |= {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_without_spark_named_nothing_of_it_is_imported(tmp_path: Path, ledger_url: str) -> None:
    """Neither by the steps nor by opening what they need."""
    code = """
import sys
from perennial import wiring
from perennial.steps import loop
settings = wiring.Settings.of({"PERENNIAL_HOME": sys.argv[1], "PERENNIAL_DATABASE_URL": sys.argv[2]})
with wiring.open_stores(settings) as stores:
    print(stores.engine, [name for name in sys.modules if "spark" in name or "celery" in name])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), ledger_url], capture_output=True, text=True, check=True)
    assert done.stdout == "None []\n"
