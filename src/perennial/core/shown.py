"""How a found value may be shown in a message: short, in ASCII, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MAX_SHOWN = 100
_LOOKED_AT = 10_000
HIDDEN = "a value that is not shown"
_WORDS = {"None": "nothing", "True": "true", "False": "false"}
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase|code)?$|pwd|secret|token|credential|(api|access|private|signing)_?key|auth$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"://[^/\s]*@"  # an address with a user or a password
    r"|-----BEGIN |\b(AKIA|ASIA)[A-Z0-9]{12}|\bgh[pousr]_|\bgithub_pat_|\bxox[abprs]-|\bsk-\w|\beyJ[\w-]{10}"  # known kinds of keys
)
_RUN = re.compile(r"[\w+/=-]{20,}", re.ASCII)
_MIXED = (re.compile("[0-9]"), re.compile("[a-z]"), re.compile("[A-Z]"))


def shown(value: object, at: Iterable[object] = ()) -> str:
    """Return *value* as a message may show it.

    Args:
        value: Plain JSON types.
        at: The keys that lead to the value. Under a key such as ``password`` nothing is shown.

    Examples:
        >>> shown("a word"), shown(0.5), shown(True), shown("hunter2", ["source", "password"])
        ("'a word'", '0.5', 'true', 'a value that is not shown')
    """
    if any(isinstance(key, str) and _SECRET_KEY.search(key) for key in at):
        return HIDDEN
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return _WORDS.get(repr(value), repr(value))


def _text(text: str) -> str:
    if _secret(text[:_LOOKED_AT]):
        return HIDDEN
    quoted = ascii(text[:_LOOKED_AT])
    return quoted if len(quoted) <= MAX_SHOWN + 2 else f"{quoted[:40]}... ({len(text)} characters)"


def _secret(text: str) -> bool:
    """Return whether *text* holds an address with a password, a known kind of key, or a long run of mixed letters and digits."""
    runs = (run[0] for run in _RUN.finditer(text))
    return bool(_SECRET_VALUE.search(text)) or any(all(kind.search(run) for kind in _MIXED) for run in runs)
