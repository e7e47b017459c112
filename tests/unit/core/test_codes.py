"""The list of codes and the code that raises them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import perennial
from perennial.core.codes import Code

ROOT = Path(perennial.__file__).parent


@pytest.fixture(scope="module")
def named() -> set[str]:
    """Every code that the package names, besides where it is listed."""
    files = (path for path in ROOT.rglob("*.py") if path != ROOT / "core" / "codes.py")
    return {name for path in files for name in re.findall(r"\bCode\.([A-Z_]+)", path.read_text(encoding="utf-8"))}


def test_every_code_has_a_raiser(named: set[str]) -> None:
    """A code that nothing raises is a promise that nobody keeps."""
    assert {code.name for code in Code} - named == set()
