"""Whoever is told to call ``perennial ...`` can: in documents, in messages, and as ``airflow perennial ...``."""

from __future__ import annotations

import ast
import re
import subprocess
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from perennial.cli import app
from perennial.cli.under_airflow import run

ROOT = Path(__file__).parents[2]
LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
)
FILES = [ROOT / name for name in LISTED.stdout.decode().splitlines() if (ROOT / name).is_file()]
SHELL = re.compile(r"^```(?:bash|sh|console)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]*)`")
CALL = re.compile(r"(?:^|[\s/`(])perennial ((?:[a-z][a-z-]*)(?:[^\S\n][^\n|`;,#]*)?)", re.MULTILINE)
NO_VERB = {"model"}
"""What begins a sealed model, whatever its kind, is ``perennial model 1``."""


def _calls_of(document: Path) -> Iterator[str]:
    """Yield the calls that a document shows as code: in blocks for the shell, and between backticks."""
    text = document.read_text(encoding="utf-8")
    for block in (*SHELL.findall(text), *CODE.findall(SHELL.sub("", text))):
        yield from CALL.findall(block.replace("\\\n", " "))


def _calls_in(module: Path) -> Iterator[str]:
    """Yield the calls that texts of the code name; what a text is filled with is a word."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield from CALL.findall("".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from CALL.findall(node.value)


def _wrong(call: str) -> list[str]:
    """Return what there is not, of the verb and the options of a call."""
    command: Any = typer.main.get_command(app)
    words = call.split()
    while children := getattr(command, "commands", None):
        if not words or words[0] not in children:
            return [words[0] if words else "a verb is missing"]
        command = children[words.pop(0)]
    known = {name for item in command.params for name in (*item.opts, *item.secondary_opts)} | {"--help"}
    return [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in known]


DOCUMENTS = [pytest.param(file, id=str(file.relative_to(ROOT))) for file in FILES if file.suffix == ".md"]
MODULES = [file for file in FILES if file.suffix == ".py" and file.is_relative_to(ROOT / "src")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_call_in_a_document_is_one(document: Path) -> None:
    """Verb, verb below it, and options."""
    assert [(call, wrong) for call in _calls_of(document) if (wrong := _wrong(call))] == []


def test_every_call_in_a_message_is_one() -> None:
    """Advice that cannot be followed is worse than none."""
    calls = {(str(file.relative_to(ROOT)), call) for file in MODULES for call in _calls_in(file)}
    assert len(calls) > 20
    assert sorted(place for place in calls if set(_wrong(place[1])) - NO_VERB) == []


def _verbs(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield each command below *command*, and itself."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _verbs(child, *path, name)


def _said(capsys: pytest.CaptureFixture[str], words: list[str], *, airflow: bool) -> tuple[object, str]:
    with pytest.raises(SystemExit) as ended:
        run(Namespace(words=words)) if airflow else app(args=words, prog_name="perennial")
    out, err = capsys.readouterr()
    return ended.value.code, out + err


@pytest.mark.parametrize("path", list(_verbs(typer.main.get_command(app))), ids=" ".join)
def test_airflow_s_command_is_ours(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """With every verb, argument and option, and the same help; only the name it is called by differs."""
    words = [*path, "--help"]
    code, said = _said(capsys, words, airflow=True)
    assert said.startswith(" ".join(["Usage: airflow perennial", *path, "["]))
    ours = _said(capsys, words, airflow=False)
    assert (code, " ".join(said.replace("airflow perennial", "perennial").split())) == (ours[0], " ".join(ours[1].split()))


def test_a_call_that_is_off_ends_likewise(capsys: pytest.CaptureFixture[str]) -> None:
    """With the same code, and with what is meant."""
    code, said = _said(capsys, ["retrane"], airflow=True)
    assert (code, "Did you mean 'retrain'" in said) == (2, True)
