"""YAML to plain values with their lines, one parser event at a time.

Nothing is built before it was looked at: an alias is refused and never expanded, a tag never constructs anything, and what is
nested too deeply stops the parser. Faults are collected; only a syntax error, nesting or too many of them end the reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, Fault
from perennial.core.shown import shown
from perennial.definition.document import Document, Finding, Loc
from perennial.definition.scalars import Refused, Scalar, resolve
from perennial.definition.text import read_text

MAX_DEPTH = 20
MAX_FINDINGS = 100

NO_KEY = "?"
"""Stands for a key that is none."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Stop(Exception):  # noqa: N818 - control flow inside this file, never an error that a caller sees
    """Nothing more can be read."""


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read. *key* is where its next value goes; None in a mapping that awaits a key."""

    loc: Loc
    value: dict[str, object] | list[object]
    key: str | int | None = None
    lines: dict[str, int] = field(default_factory=dict)


def read_document(path: Path) -> Document:
    """Read *path* into plain values.

    Returns:
        The document, with what is wrong in ``findings`` and the rest of its values in place.

    Raises:
        DefinitionError: The file cannot be read to its end: DEFINITION_MISSING, DEFINITION_TOO_LARGE, DEFINITION_ENCODING,
            DEFINITION_SYNTAX, DEFINITION_TOO_DEEP. Carries what was found before as well.
    """
    reader = _Reader(Document(path))
    try:
        for event in yaml.parse(read_text(path), Loader=_LOADER):
            reader.take(event)
    except _Stop:
        raise reader.error() from None
    except yaml.YAMLError as error:
        raise reader.error(_syntax(path, error)) from error
    return reader.document


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Frame] = []
        self.documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the parser's next event."""
        match event:
            case yaml.DocumentStartEvent():
                self._begin(event)
            case yaml.CollectionEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._refuse(event, Code.DEFINITION_ALIAS, "must be written out, got an alias")
            case yaml.NodeEvent():
                self._node(event)

    def error(self, last: Fault | None = None) -> DefinitionError:
        """Return everything that was found, and *last*."""
        faults = [self.document.fault(finding) for finding in self.document.findings]
        return DefinitionError.of([*faults, last] if last else faults)

    def _begin(self, event: yaml.Event) -> None:
        self.documents += 1
        if self.documents > 1:
            self._found((), Code.DEFINITION_SYNTAX, "must be one YAML document, got a second one", event)
            raise _Stop

    def _node(self, event: yaml.NodeEvent) -> None:
        loc = self._loc()
        if event.anchor is not None:
            self._found(loc, Code.DEFINITION_ALIAS, "must be without an anchor", event)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            self._found(loc, Code.DEFINITION_TAG, f"must be without a tag, got {shown(event.tag)}", event)
            self.document.unread.add(loc)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, loc)
        else:
            self._open(event, loc)

    def _open(self, event: yaml.NodeEvent, loc: Loc) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self._found(loc[:3], Code.DEFINITION_TOO_DEEP, f"must be nested at most {MAX_DEPTH} deep", event)
            raise _Stop
        value: dict[str, object] | list[object] = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self._awaits_key():
            self._refuse(event, Code.DEFINITION_TYPE, f"must have keys that are text, got {shown(value)} as a key")
            self.stack.append(_Frame(loc, value, key=0 if isinstance(value, list) else None))
            return
        self._put(value, event)
        self.stack.append(_Frame(loc, value, key=0 if isinstance(value, list) else None))

    def _close(self) -> None:
        self.stack.pop()

    def _scalar(self, event: yaml.ScalarEvent, loc: Loc) -> None:
        plain = event.implicit[0]
        if self._awaits_key():
            self._key(event, plain=plain)
            return
        value = resolve(event.value) if plain else event.value
        if isinstance(value, Refused):
            got = shown(event.value, loc).strip("'")
            self._refuse(event, value.code, f"{value.allowed}, got {got}")
            return
        self._put(value, event)

    def _key(self, event: yaml.ScalarEvent, *, plain: bool) -> None:
        frame, key, line = self.stack[-1], event.value, _line(event)
        if plain and not _is_text(key):
            self._found((*frame.loc, key), Code.DEFINITION_TYPE, "must be quoted, keys are text", event)
            self.document.unread.add((*frame.loc, key))
        if key in frame.lines:
            message = f"stands twice, first in line {frame.lines[key]}"
            self._found((*frame.loc, key), Code.DEFINITION_DUPLICATE_KEY, message, event)
        self.document.lines.setdefault((*frame.loc, key), line)
        frame.lines.setdefault(key, line)
        frame.key = key

    def _put(self, value: Scalar | dict[str, object] | list[object], event: yaml.Event) -> None:
        """Put *value* where it belongs, and go on to the next place. The first of two values under one key stays."""
        if not self.stack:
            self.document.value = value
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            self.document.lines.setdefault(self._loc(), _line(event))
            frame.value.append(value)
            frame.key = len(frame.value)
        else:
            frame.value.setdefault(str(frame.key), value)
            frame.key = None

    def _refuse(self, event: yaml.Event, code: Code, message: str) -> None:
        """Note a finding instead of a value (or a key), and go on."""
        loc = self._loc()
        self._found(loc, code, message, event)
        if self._awaits_key():
            self.stack[-1].key = NO_KEY
            self.document.unread.add((*loc, NO_KEY))
        else:
            self.document.unread.add(loc)
            self._put(None, event)

    def _found(self, loc: Loc, code: Code, message: str, event: yaml.Event) -> None:
        if len(self.document.findings) >= MAX_FINDINGS:
            raise _Stop
        self.document.findings.append(Finding(loc, code, message, _line(event)))

    def _loc(self) -> Loc:
        if not self.stack:
            return ()
        frame = self.stack[-1]
        return frame.loc if frame.key is None else (*frame.loc, frame.key)

    def _awaits_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].key is None


def _is_text(key: str) -> bool:
    """Return whether a plain key is text. Words such as ``on`` may be keys: a key of ours is never a boolean."""
    return isinstance(resolve(key), str) or key.lower() in {"y", "yes", "on", "n", "no", "off"}


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _syntax(path: Path, error: yaml.YAMLError) -> Fault:
    if not isinstance(error, yaml.MarkedYAMLError):
        return Fault(Code.DEFINITION_SYNTAX, "must be YAML", str(path))
    mark = error.problem_mark or error.context_mark
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return Fault(Code.DEFINITION_SYNTAX, f"must be YAML: {said}", where)
