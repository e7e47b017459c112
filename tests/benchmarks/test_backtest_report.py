"""The report of the backtests' benchmark: it holds what was told before, part by part, each row beside its commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def backtests(script: Any) -> Any:
    """The script that writes it."""
    return script("backtest")


def test_the_report_holds_what_was_told_before(backtests: Any, tmp_path: Path) -> None:
    """Under the heads of their parts, in the order of the parts."""
    (tmp_path / "told").mkdir()
    for part, row in (("speed", "| tides | 2.5 |"), ("reproduce", "| tides | mae |")):
        told = {"rows": [row], "said": f"tides: 3 s of CPU; abc1234, of {part}"}
        (tmp_path / "told" / f"{part}.tides.json").write_text(json.dumps(told))
    report = tmp_path / "report.md"

    backtests.main(["--data", str(tmp_path), "--parts", "", "--work", str(tmp_path), "--output", str(report)])

    text = report.read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## What is known of each set, found again",
        "## Eight policies together, beside a plain loop for each of them",
    ]
    assert "| --- |\n| tides | 2.5 |" in text.replace("---: ", "--- ")
    assert "- tides: 3 s of CPU; abc1234, of reproduce" in text


def test_a_part_that_is_not_there_is_refused(backtests: Any, tmp_path: Path) -> None:
    """And those that are there are named."""
    with pytest.raises(SystemExit, match="there are reproduce, policies"):
        backtests.main(["--data", str(tmp_path), "--parts", "spead", "--work", str(tmp_path)])
