"""Definitions from their files. Everything that is wrong with a file is told at once, each with file, line and field.

One broken file never hides another model: ``load_folder`` returns the good definitions beside the errors of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.core.names import NAME_PATTERN
from perennial.core.shown import shown
from perennial.definition.document import Document, Finding, Loc, inside
from perennial.definition.models import Definition
from perennial.definition.partial import partial
from perennial.definition.rules import broken, broken_so_far
from perennial.definition.translate import translate
from perennial.definition.yaml_nodes import MAX_FINDINGS, NO_KEY, read_document

SUFFIX = ".yml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a folder holds: the definitions in the order of their names, and one error per file that is none."""

    definitions: tuple[Definition, ...]
    errors: tuple[DefinitionError, ...]


def load(path: Path) -> Definition:
    """Return the definition in *path*, a file that is called as its model is named.

    Raises:
        DefinitionError: Everything that is wrong with the file.
    """
    return read_definition(path)[0]


def load_folder(folder: Path) -> Loaded:
    """Load every ``<name>.yml`` in *folder* itself; hidden files are left out.

    Two files with one name: the file that is called so is loaded, the other one is refused (DEFINITION_DUPLICATE_NAME).
    """
    definitions, errors = [], []
    for result in read_folder(folder):
        if isinstance(result, DefinitionError):
            errors.append(result)
        else:
            definitions.append(result[0])
    return Loaded(tuple(definitions), tuple(errors))


def read_folder(folder: Path) -> Iterator[tuple[Definition, Document] | DefinitionError]:
    """Yield, for every file in *folder*, its definition and document, or what is wrong with it."""
    if not folder.is_dir():
        yield DefinitionError(Code.DEFINITION_MISSING, "must be a folder", where=str(folder))
        return
    claimed: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (SUFFIX, ".yaml") and not path.name.startswith("."):
            try:
                yield read_definition(path, claimed)
            except DefinitionError as error:
                yield error


def read_definition(path: Path, claimed: dict[str, Path] | None = None) -> tuple[Definition, Document]:
    """Return the definition in *path*, and the document with the lines of its fields.

    Args:
        path: The file.
        claimed: The files of a folder that were read before, by the name that they gave; *path* is added.

    Raises:
        DefinitionError: Everything that is wrong with the file.
    """
    document = read_document(path)
    definition, findings = _validated(document)
    findings = [*document.findings, *findings, *_misnamed(document, {} if claimed is None else claimed)]
    if definition is None or findings:
        findings.sort(key=lambda finding: finding.line or document.line(finding.loc))
        raise DefinitionError.of(list(dict.fromkeys(map(document.fault, findings)))[:MAX_FINDINGS])
    return definition, document


def _validated(document: Document) -> tuple[Definition | None, list[Finding]]:
    findings: list[Finding] = []
    faulty: set[Loc] = set()
    try:
        definition = Definition.model_validate(document.value)
    except ValidationError as error:
        findings, faulty = translate(error, document)
    else:
        if not document.unread:
            return definition, list(broken(definition))
    more = broken_so_far(partial(document.value, faulty | document.unread))
    return None, [finding for finding in (*findings, *more) if _tells(finding, document)]


def _tells(finding: Finding, document: Document) -> bool:
    """Return whether *finding* says more than that a value could not be taken, which is said already."""
    if finding.code is Code.DEFINITION_UNKNOWN_KEY:
        return finding.loc[-1] != NO_KEY
    return not inside(finding.loc, document.unread)


def _misnamed(document: Document, claimed: dict[str, Path]) -> Iterator[Finding]:
    """A file is called as its model is named, so that a name leads to its file and no two files have one name."""
    path, loc, name = document.path, ("name",), document.at(("name",))
    if path.suffix != SUFFIX:
        yield Finding((), Code.DEFINITION_RANGE, f"must be called {path.stem}{SUFFIX}, got {path.name}")
    if not (isinstance(name, str) and re.fullmatch(NAME_PATTERN, name, re.ASCII)) or name == path.stem:
        return
    own = path.with_name(f"{name}{SUFFIX}")
    other = own if own.is_file() else claimed.setdefault(name, path)
    if other != path:
        message = f"must be another name than that of {other}, got {shown(name)} in {path} too"
        yield Finding(loc, Code.DEFINITION_DUPLICATE_NAME, message)
    else:
        yield Finding(loc, Code.DEFINITION_RANGE, f"must be the file's name, {shown(path.stem)}, got {shown(name)}")
