"""The benchmark of model health: every page that it asks for is there, with few models and nights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/health.py"
FEW = ("--models", "8", "--nights", "40", "--people", "2", "--each", "1")


@pytest.mark.slow
def test_every_page_is_there_and_weighed() -> None:
    """Each line has the waiting time of the middle and of the last one, and the weight."""
    run = subprocess.run([sys.executable, str(SCRIPT), *FEW], env=dict(os.environ), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    lines = re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \| [\d.]+ \+ [\d.]+ \| (\d+) \|$", run.stdout, re.MULTILINE)
    assert len(lines) == 14
    assert all(int(weight) < 300 for *_, weight in lines)
