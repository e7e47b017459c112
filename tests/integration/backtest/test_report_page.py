"""The report: one file that needs no network and takes no text for markup."""

from __future__ import annotations

import re
from pathlib import Path

from perennial.backtest.findings import Findings
from perennial.backtest.report.page import page


def test_the_page_needs_nothing_else(found_before: tuple[Findings, Path]) -> None:
    """No script, no style, no picture and no font comes from elsewhere."""
    text = page(found_before[0])

    assert text.count("<svg ") == 1 + len(found_before[0].timelines) + bool(found_before[0].staleness)
    assert not re.findall(r'<(?:script|img|link|iframe)|@import|url\(http|(?:src|href)="(?!#)', text)


def test_the_same_findings_give_the_same_page(found_before: tuple[Findings, Path]) -> None:
    """Byte by byte, so that a report can be kept and compared."""
    assert page(found_before[0]) == page(found_before[0])


def test_names_are_text(found_before: tuple[Findings, Path]) -> None:
    """A policy's name comes from a file, a model's from a definition."""
    found, _ = found_before
    name = '<script>alert("x")</script>'
    first = found.policies[0].model_copy(update={"policy": found.policies[0].policy.model_copy(update={"name": name})})
    line = found.timelines[0].model_copy(update={"policy": name})
    text = page(found.model_copy(update={"policies": (first, *found.policies[1:]), "timelines": (line, *found.timelines[1:])}))

    assert "<script" not in text
