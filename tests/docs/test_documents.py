"""What the documents say of the repository is true: links, verbs, variables, generated parts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer

from perennial.cli import app
from perennial.core.codes import Code
from perennial.quality.catalog import SUPPORTED
from perennial.wiring import Settings

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()
FILES = [ROOT / name for name in TRACKED if (ROOT / name).is_file()]
DOCUMENTS = [file for file in FILES if file.suffix == ".md"]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
README_LINES = range(90, 151)


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCE.sub("", _text(document)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(document: Path) -> Iterator[str]:
    for found in LINK.finditer(CODE.sub("", FENCE.sub("", _text(document)))):
        target, _, anchor = found["target"].partition("#")
        if target.startswith(("https://", "http://")):
            continue
        file = (document.parent / target).resolve() if target else document
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            yield found["target"]


@pytest.mark.parametrize("document", [pytest.param(document, id=str(document.relative_to(ROOT))) for document in DOCUMENTS])
def test_links_lead_somewhere(document: Path) -> None:
    """Within the repository, to a file that is there and to a heading in it."""
    assert list(_broken(document)) == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    """A document that nothing links to is not read."""
    reached, open_ends = set[Path](), [ROOT / "README.md"]
    while open_ends:
        document = open_ends.pop()
        reached.add(document)
        targets = [(document.parent / found["target"].partition("#")[0]).resolve() for found in LINK.finditer(_text(document))]
        open_ends += [target for target in targets if target.suffix == ".md" and target.is_file() and target not in reached]
    assert [file for file in DOCUMENTS if file not in reached and "tests" not in file.parts] == []


def _verbs(command: object, path: str) -> Iterator[str]:
    children = getattr(command, "commands", None)
    yield path
    for name, child in (children or {}).items():
        yield from _verbs(child, f"{path} {name}")


def test_every_verb_that_a_document_names_exists() -> None:
    """A verb is what stands behind ``perennial`` in code, up to its first argument."""
    verbs = {path.split(" ")[1] for path in _verbs(typer.main.get_command(app), "perennial") if " " in path}
    named = {
        (str(document.relative_to(ROOT)), found[1])
        for document in DOCUMENTS
        for found in re.finditer(r"(?:^|[`/ ])perennial ([a-z][a-z-]*)", "\n".join(_code(document)), re.MULTILINE)
    }
    assert {verb for _, verb in named} >= {"check", "retrain", "score", "doctor", "migrate"}
    assert sorted(place for place in named if place[1] not in verbs) == []


def _code(document: Path) -> Iterator[str]:
    """Yield what a document shows as code: blocks for the shell, and what stands between backticks."""
    text = _text(document)
    yield from (found[0] for found in FENCE.finditer(text) if found[0].startswith("```bash"))
    yield from CODE.findall(FENCE.sub("", text))


def test_every_verb_is_in_the_reference() -> None:
    """With its own heading."""
    leaves = [path for path in _verbs(typer.main.get_command(app), "perennial") if path not in {"perennial", "perennial models"}]
    headings = HEADING.findall(_text(ROOT / "docs/reference/cli.md"))
    assert [path for path in leaves if path not in headings] == []


def _variables(text: str) -> set[str]:
    found = re.findall(r"PERENNIAL_[A-Z0-9_]+", text)
    return {"PERENNIAL_CONN_<NAME>" if name.startswith("PERENNIAL_CONN_") else name for name in found}


def _settings() -> set[str]:
    """Return the variables that the code reads."""
    return {name for file in (ROOT / "src").rglob("*.py") for name in _variables(_text(file))}


def test_the_table_of_settings_is_the_code() -> None:
    """Each variable that the code reads has a row, and no other has."""
    rows = re.findall(r"^\| `(PERENNIAL_[A-Z0-9_<>]+)` \|", _text(ROOT / "docs/operations.md"), re.MULTILINE)
    assert sorted(rows) == sorted(_settings())


def test_every_setting_survives_into_a_child_process() -> None:
    """So the names in the table are those that the code really reads."""
    values = {name.replace("<NAME>", "BIKES"): f"/{name}" for name in _settings() - {"PERENNIAL_ACTOR"}}
    assert Settings.of(values).environment() == values


@pytest.mark.parametrize("document", [pytest.param(document, id=str(document.relative_to(ROOT))) for document in DOCUMENTS])
def test_every_variable_that_a_document_names_exists(document: Path) -> None:
    """In the code, or in the Compose file's example."""
    assert _variables(_text(document)) - _settings() - _variables(_text(ROOT / ".env.example")) == set()


def test_every_error_is_listed() -> None:
    """Each with its meaning, and no other."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", _text(ROOT / "docs/errors.md"), re.MULTILINE)
    assert rows == [(code.value, code.meaning) for code in sorted(Code)]


@pytest.mark.parametrize("document", [pytest.param(document, id=str(document.relative_to(ROOT))) for document in DOCUMENTS])
def test_every_error_that_a_document_names_exists(document: Path) -> None:
    """Codes look like codes: of the same first words as one that exists; two underscores are a variable of Airflow's."""
    families = "|".join(sorted({code.partition("_")[0] for code in Code}))
    named = set(re.findall(rf"`((?:{families})_(?!_)[A-Z_]+)`", _text(document)))
    assert named - set(Code) == set()


def test_every_expectation_that_a_document_names_exists() -> None:
    """By the name that a definition gives it."""
    named = {name for document in DOCUMENTS for name in re.findall(r"\bexpect_[a-z_]+\b", _text(document))}
    assert named - set(SUPPORTED) == set()


def test_what_is_written_from_the_code_is_current() -> None:
    """``make docs FIX=1`` has been run since the code changed."""
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_the_readme_is_short() -> None:
    """About 120 lines."""
    assert len(_text(ROOT / "README.md").splitlines()) in README_LINES


def test_no_file_names_a_machine_or_an_index() -> None:
    """Neither where somebody's clone or home lies, nor where somebody's packages come from."""
    index = (urlsplit(value).hostname for name, value in os.environ.items() if name.endswith(("INDEX_URL", "DEFAULT_INDEX")))
    hosts = [re.escape(host) for host in index if host and host != "pypi.org"]
    private = re.compile(
        "|".join([re.escape(str(ROOT)), r"/(?:home|root|Users)/\w", r"--(?:extra-)?index-url", r"//\S+/simple\b", *hosts])
    )
    found = [
        f"{file.relative_to(ROOT)}: {hit[0]}"
        for file in FILES
        if file != Path(__file__) and (hit := private.search(_readable(file)))
    ]
    assert found == []


def _readable(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
