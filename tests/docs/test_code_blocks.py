"""The code blocks of the documents run, in their order, in an empty folder, with real stores.

What follows the language of a fenced block says what becomes of it:

- ``bash``: runs, all blocks of a document in one shell; the ``text output`` block after it is what it prints.
- ``file=path``, ``append=path``: is written there, as the reader is told to.
- ``excerpt=path``: its lines stand in that file of the repository, in this order.
- ``not-run="reason"``: is shown only.

In an output, a line may end with an ellipsis. Ids made of digests may differ, figures with a decimal point by a few percent.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNNABLE = ("bash", "python", "yaml", "sql")
DONE = "@@@ block"
ELLIPSIS = "…"
DECIMAL = re.compile(r"\d+\.\d+")
DIGEST = re.compile(r"-[0-9a-f]{8}\b(?!-)")
TOLERANCE = 0.05


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its language, what is said of it, and its lines."""

    where: str
    language: str
    said: dict[str, str]
    content: str


def _blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    return [_block(document, text, found) for found in re.finditer(r"^```(\w+) ?(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)]


def _block(document: Path, text: str, found: re.Match[str]) -> Block:
    line = text.count("\n", 0, found.start()) + 1
    words = (word.partition("=") for word in shlex.split(found[2]))
    return Block(f"{document.name}:{line}", found[1], {key: value for key, _, value in words}, found[3])


BLOCKS = {document: _blocks(document) for document in DOCUMENTS}
SESSIONS = [document for document, blocks in BLOCKS.items() if any(item.language == "bash" and not item.said for item in blocks)]


def _runnable() -> list[Block]:
    return [block for blocks in BLOCKS.values() for block in blocks if block.language in RUNNABLE]


@pytest.mark.parametrize("block", [pytest.param(block, id=block.where) for block in _runnable()])
def test_a_block_runs_or_says_why_not(block: Block) -> None:
    """Code that nobody runs goes stale."""
    ways = {"file", "append", "excerpt", "not-run"}
    assert (block.language == "bash" and not block.said) or (len(block.said) == 1 and set(block.said) <= ways)
    assert block.said.get("not-run", "a reason")


@pytest.mark.parametrize("block", [pytest.param(block, id=block.where) for block in _runnable() if "excerpt" in block.said])
def test_an_excerpt_stands_in_its_file(block: Block) -> None:
    """Every line of it, comments aside, in the file's order."""
    lines = iter([_code(line) for line in (ROOT / block.said["excerpt"]).read_text(encoding="utf-8").splitlines()])
    missing = [line for line in map(_code, block.content.splitlines()) if line and not any(line == other for other in lines)]
    assert missing == []


def _code(line: str) -> str:
    return "" if line.lstrip().startswith("#") else line.partition("  #")[0].rstrip()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("document", [pytest.param(document, id=document.name) for document in SESSIONS])
def test_the_blocks_of_a_document_do_what_it_says(document: Path) -> None:
    """A reader who copies every block, from the first to the last, sees what the document shows."""
    blocks = BLOCKS[document]
    # Not below pytest's own folder, which no other user may enter: as root, PostgreSQL's server runs as one.
    with TemporaryDirectory(prefix="perennial-docs-", ignore_cleanup_errors=True) as folder:
        printed = _run(blocks, _clone(Path(folder)))
    wrong = [
        f"{block.where} shows other than what is printed:\n{printed[index - 1]}"
        for index, block in enumerate(blocks)
        if block.language == "text" and "output" in block.said and not _same(block.content, printed[index - 1])
    ]
    assert not wrong, "\n".join(wrong)


def _clone(folder: Path) -> Path:
    """Give *folder* what a clone has, as far as a reader touches it."""
    for name in ("config", "dags", "plugins"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def _run(blocks: list[Block], folder: Path) -> dict[int, str]:
    """Run the blocks in one shell, and return what each printed, by its number."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "AIRFLOW", "PYTEST", "PYTHON"))}
    script = "set -euo pipefail\n" + "".join(_commands(index, block) for index, block in enumerate(blocks))
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**kept, "COLUMNS": "120"}, capture_output=True, text=True, timeout=870, check=False
    )
    parts = re.split(rf"^{DONE} (\d+)\n", done.stdout, flags=re.MULTILINE)
    printed = {int(number): text for text, number in zip(parts[::2], parts[1::2], strict=False)}
    assert done.returncode == 0, f"after block {max(printed, default='none')}: {parts[-1]}{done.stderr}"
    return printed


def _commands(index: int, block: Block) -> str:
    for word, arrow in (("file", ">"), ("append", ">>")):
        if word in block.said:
            return f"cat {arrow} {block.said[word]} <<'{DONE}'\n{block.content}{DONE}\n"
    return f"{block.content}\necho '{DONE} {index}'\n" if block.language == "bash" and not block.said else ""


def _same(shown: str, printed: str) -> bool:
    expected, actual = (_lines(text) for text in (shown, printed))
    return len(expected) == len(actual) and all(_same_line(*pair) for pair in zip(expected, actual, strict=True))


def _lines(text: str) -> list[str]:
    """Return the lines that say something, with one space between words and without digests."""
    return [" ".join(DIGEST.sub("-id", line).split()) for line in text.splitlines() if line.strip()]


def _same_line(shown: str, printed: str) -> bool:
    if shown.endswith(ELLIPSIS):
        shown = shown.removesuffix(ELLIPSIS).rstrip()
        return bool(shown) and DECIMAL.sub("#", printed).startswith(DECIMAL.sub("#", shown))
    words = DECIMAL.sub("#", shown) == DECIMAL.sub("#", printed)
    return words and all(_close(*pair) for pair in zip(_figures(shown), _figures(printed), strict=True))


def _figures(line: str) -> Iterator[float]:
    return (float(figure) for figure in DECIMAL.findall(line))


def _close(shown: float, printed: float) -> bool:
    return math.isclose(shown, printed, rel_tol=TOLERANCE)


def test_another_output_is_told_from_the_same() -> None:
    """Words and whole numbers must be equal; digests, and figures by a few percent, may differ."""
    shown = "cups-0a1b2c3d keep\n 3 rows, mae 6.08"
    assert _same(shown, "cups-ffffffff keep\n3 rows, mae 6.10\n")
    assert not _same(shown, "cups-ffffffff hold\n3 rows, mae 6.10\n")
    assert not _same(shown, "cups-ffffffff keep\n4 rows, mae 6.10\n")
    assert not _same(shown, "cups-ffffffff keep\n3 rows, mae 7.10\n")
    assert not _same(shown, "cups-ffffffff keep\n")
    assert _same("keep: …", "keep: nothing moved\n")
    assert not _same("keep: …", "hold: nothing moved\n")
