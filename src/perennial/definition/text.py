"""A definition's file to text: at most 1 MB, UTF-8, without characters that nobody sees."""

from __future__ import annotations

import re
from pathlib import Path

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError

MAX_BYTES = 1_000_000

# Control characters, and line breaks that only some YAML readers know (lines would be counted differently from an editor's).
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read_text(path: Path) -> str:
    """Return the text of *path*.

    Raises:
        DefinitionError: DEFINITION_MISSING, DEFINITION_TOO_LARGE, DEFINITION_ENCODING, DEFINITION_SYNTAX.
    """
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        message = f"must be UTF-8, got the byte 0x{content[offset]:02x} at offset {offset}"
        line = content.count(b"\n", 0, offset) + 1
        raise DefinitionError(Code.DEFINITION_ENCODING, message, where=f"{path}:{line}") from error
    if unseen := _UNSEEN.search(text):
        line, column = text.count("\n", 0, unseen.start()) + 1, unseen.start() - text.rfind("\n", 0, unseen.start())
        message = f"must be YAML: the character U+{ord(unseen[0]):04X} may stand only as an escape in double quotes"
        raise DefinitionError(Code.DEFINITION_SYNTAX, message, where=f"{path}:{line}:{column}")
    return text


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file, without ever reading more than is allowed."""
    try:
        if path.exists() and not path.is_file():
            raise DefinitionError(Code.DEFINITION_MISSING, "must be a regular file", where=str(path))
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
            size = path.stat().st_size
    except OSError as error:
        message = f"must be a readable file, got: {error.strerror or type(error).__name__}"
        raise DefinitionError(Code.DEFINITION_MISSING, message, where=str(path)) from error
    if len(content) > MAX_BYTES:
        message = f"must be at most {MAX_BYTES} bytes, got {max(size, len(content))}"
        raise DefinitionError(Code.DEFINITION_TOO_LARGE, message, where=str(path))
    return content
