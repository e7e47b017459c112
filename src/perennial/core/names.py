"""The names that people give: models and segments, and the tables and columns of their databases."""

from __future__ import annotations

import re

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError
from perennial.core.shown import shown

MAX_LENGTH = 100
NAME_PATTERN = r"[a-z][a-z0-9_]{0,99}"
IDENTIFIER_PATTERN = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
POSITION, REASONS = "_position", "_reasons"
RESERVED = (POSITION, REASONS)
"""Columns that Perennial adds to rows that it refuses."""
TABLE_PATTERN = rf"{IDENTIFIER_PATTERN}(\.{IDENTIFIER_PATTERN})?"


def name(text: str, where: str = "name") -> str:
    """Return *text* if it may name a model or a segment.

    Raises:
        DefinitionError: NAME_INVALID.
    """
    if re.fullmatch(NAME_PATTERN, text, re.ASCII):
        return text
    allowed = f"must be lower-case letters, digits and underscores, start with a letter, at most {MAX_LENGTH} characters"
    raise DefinitionError(Code.NAME_INVALID, f"{allowed}, got {shown(text)}", where=where)


def identifier(text: str, where: str = "column") -> str:
    """Return *text* if it is a plain SQL identifier (a column).

    Raises:
        DefinitionError: IDENTIFIER_INVALID.
    """
    return _match(IDENTIFIER_PATTERN, text, where, "letters, digits and underscores")


def column(text: str, where: str = "column") -> str:
    """Return *text* if it may name a column of a source.

    Raises:
        DefinitionError: IDENTIFIER_INVALID, IDENTIFIER_RESERVED.
    """
    if is_reserved(text):
        message = f"must not be {' or '.join(RESERVED)}, which Perennial adds to refused rows, got {shown(text)}"
        raise DefinitionError(Code.IDENTIFIER_RESERVED, message, where=where)
    return identifier(text, where)


def is_reserved(text: str) -> bool:
    """Return whether a column *text* would be taken for one that Perennial adds; many tools do not tell capitals."""
    return text.lower() in RESERVED


def table(text: str, where: str = "table") -> str:
    """Return *text* if it is a plain table name, with its schema before a dot or without.

    Raises:
        DefinitionError: IDENTIFIER_INVALID.
    """
    return _match(TABLE_PATTERN, text, where, "letters, digits and underscores, with or without a schema before a dot")


def _match(pattern: str, text: str, where: str, allowed: str) -> str:
    if re.fullmatch(pattern, text, re.ASCII):
        return text
    raise DefinitionError(Code.IDENTIFIER_INVALID, f"must be {allowed}, got {shown(text)}", where=where)
