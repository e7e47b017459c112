"""The benchmarks as modules, and the public sets where they are."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> Iterator[Any]:
    """Import a script of the benchmarks by its name."""
    folder = ROOT / "benchmarks"
    sys.path.insert(0, str(folder))
    yield importlib.import_module
    sys.path.remove(str(folder))
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of the public sets. It is no part of the project, and may be absent."""
    return Path(os.environ.get("PERENNIAL_REAL_DATA") or ROOT.parent / "shared" / "data")
