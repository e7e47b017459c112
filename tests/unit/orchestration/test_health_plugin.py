"""The plugin costs every other process of Airflow nothing."""

from __future__ import annotations

import subprocess
import sys

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
