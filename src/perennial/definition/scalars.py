"""What a plain (unquoted) YAML scalar means.

YAML 1.1 and YAML 1.2 read some of them differently: ``no`` is false or text, ``012`` is 10 or 12, ``1:30`` is 90 or text,
``1e3`` is text or 1000. What they read alike is taken; the rest is refused, so that a file means the same to its author, to an
editor and to us.

References:
    YAML 1.2.2, section 10.3, core schema. YAML 1.1, https://yaml.org/type/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from perennial.core.codes import Code

MAX_INTEGER = 2**63 - 1

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BOOLEAN = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false"}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?", re.ASCII)
_NONFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_NUMBER_LIKE = re.compile(
    r"[-+]?0([bB][01_]+|[oO][0-7_]+|[xX][0-9a-fA-F_]+)"  # other bases
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"  # base 60
    r"|[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?",  # octal, underscores, exponents, bare points
    re.ASCII,
)

Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a scalar has no meaning here. *allowed* is what may stand in its place."""

    code: Code
    allowed: str


def resolve(text: str) -> Scalar | Refused:
    """Return what the plain scalar *text* means, or why it is refused.

    Examples:
        >>> resolve("12"), resolve("0.5"), resolve("24h"), resolve("2024-03-01")
        (12, 0.5, '24h', '2024-03-01')
        >>> resolve("no").allowed
        'must be false, or quoted if it is text: YAML readers differ about it'
    """
    if text in _WORDS:
        return _WORDS[text]
    if text.lower() in _BOOLEAN:
        return _ambiguous(_BOOLEAN[text.lower()])
    if text in ("<<", "="):
        return Refused(Code.DEFINITION_TYPE, "must be quoted if it is text: YAML readers differ about it")
    return _number(text) if text[0] in "+-.0123456789" else text


def _number(text: str) -> Scalar | Refused:
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _finite(float(text))
    if _NONFINITE.fullmatch(text):
        return _finite(float("nan"))
    return _ambiguous(_suggestion(text)) if _NUMBER_LIKE.fullmatch(text) else text


def _integer(text: str) -> int | Refused:
    digits = len(str(MAX_INTEGER))
    if len(text.lstrip("+-")) <= digits and abs(value := int(text)) <= MAX_INTEGER:
        return value
    return Refused(Code.DEFINITION_RANGE, f"must lie between -{MAX_INTEGER} and {MAX_INTEGER}")


def _finite(value: float) -> float | Refused:
    if abs(value) < float("inf"):
        return value
    return Refused(Code.DEFINITION_RANGE, "must be a finite number")


def _ambiguous(instead: str) -> Refused:
    return Refused(Code.DEFINITION_TYPE, f"must be {instead}, or quoted if it is text: YAML readers differ about it")


def _suggestion(text: str) -> str:
    plain = text.replace("_", "")
    try:
        value = float(plain)
    except ValueError:
        return "a decimal number"
    if "e" in plain.lower() or "." in plain or abs(value) > MAX_INTEGER:
        return repr(value) if abs(value) < 1e16 else "a decimal number"  # noqa: PLR2004 - from here repr() itself has an exponent
    return str(int(plain))
