"""The texts of a CSV column as values of one type, and what is wrong with those that are none."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.codes import Code
from perennial.stores.arrow_types import DIGITS, INSTANT, microseconds

_NULL_TOKENS = {
    *("na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "nat", "missing", "unknown"),
    *("-", "--", ".", "?", r"\n", "#null!", "#value!", "#div/0!"),
}
"""Words, in lower case, that people and programs write for a missing value."""
_DAY_OR_MONTH = re.compile(r"\d{1,2}([/.-])\d{1,2}\1(\d{4}|\d{2})(\D.*)?", re.ASCII | re.DOTALL)
_WHOLE = re.compile(r"[+-]?\d{1,300}", re.ASCII)  # a float64 has at most 309 digits
_PLAIN = re.compile(r"[+-]?\d{1,300}(\.\d{0,300})?([eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE_AS_FLOAT = re.compile(r"([+-]?\d{1,300})\.0*", re.ASCII)
_BEYOND_INT64 = 2**63
_ENOUGH = 50
"""After so many texts that are no value, nobody needs to see more."""
_WORDS = {
    pa.float64(): "a number such as -1.5",
    pa.int64(): "a whole number such as 7",
    pa.bool_(): "true or false",
    pa.date32(): "a date such as 2024-03-31",
    INSTANT: "a moment in ISO 8601 with an offset or Z",
}
_SAID = {
    Code.DATA_NULL_TOKEN: "or an empty field, holds a word for a missing value",
    Code.DATA_DATE_AMBIGUOUS: "holds one that does not say which part is the day and which the month",
    Code.DATA_INT_PRECISION: "holds a whole number too large to keep every digit",
    Code.TIME_NAIVE: "holds a timestamp without one",
    Code.SCHEMA_TYPE: "holds something else",
}


class Misfit(NamedTuple):
    """A text that is no value of its column: where it stands in the batch, and what is wrong with it."""

    position: int
    code: Code


def values(texts: pa.Array, kind: pa.DataType) -> pa.Array | list[Misfit]:
    """Return *texts* as values of the canonical type *kind*, or the first text of each kind that is none.

    In anything but text an empty field is missing, in quotes or not, and spaces around a value do not matter.

    Args:
        texts: UTF-8; null where the field is empty.
        kind: A canonical type.
    """
    if kind == pa.string():
        return texts
    found = at_once(texts, kind)
    return _one_by_one(_bare(texts), kind) if found is None else found


def message(code: Code, kind: pa.DataType) -> str:
    """Return what is allowed in a column of *kind*, and what was found."""
    return f"must be {_WORDS[kind]}{' ' if code is Code.DATA_NULL_TOKEN else ', '}{_SAID[code]}"


def at_once(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return *texts* as *kind* if Arrow reads all of them so, else None: then each must be looked at."""
    found = _cast(texts, kind)
    return _cast(_bare(texts), kind) if found is None else found


def _bare(texts: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return *texts* as *kind*, or None where one of them is none, or must be looked at more closely."""
    try:
        found = texts.cast(kind)
    except pa.ArrowInvalid:
        return None
    return None if kind == pa.float64() and _is_suspect(texts, found) else found


def _is_suspect(texts: pa.Array, found: pa.Array) -> bool:
    """Return whether a number is NaN, or a whole one with more digits than it can hold."""
    if pc.any(pc.is_nan(found)).as_py():
        return True
    large = pc.fill_null(pc.and_(pc.greater_equal(pc.abs(found), float(DIGITS)), pc.is_finite(found)), fill_value=False)
    return large.true_count > 0 and any(_loses_a_digit(text) for text in texts.filter(large).to_pylist())


def _loses_a_digit(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and int(float(text)) != int(text)


def _one_by_one(texts: pa.Array, kind: pa.DataType) -> pa.Array | list[Misfit]:
    known: dict[str | None, object] = {None: None}
    found: list[object] = []
    misfits: list[Misfit] = []
    for position, text in enumerate(texts.to_pylist()):
        if text not in known:
            known[text] = _value(text, kind)
        found.append(known[text])
        if isinstance(found[-1], Code):
            misfits.append(Misfit(position, found[-1]))
        if len(misfits) == _ENOUGH:
            break
    return _first_of_each(misfits) if misfits else pa.array(found, kind)


def _first_of_each(misfits: list[Misfit]) -> list[Misfit]:
    return list({misfit.code: misfit for misfit in reversed(misfits)}.values())


def _value(text: str, kind: pa.DataType) -> object:
    """Return *text* as a value of *kind*, or the code of what is wrong with it."""
    if text.lower() in _NULL_TOKENS:
        return Code.DATA_NULL_TOKEN
    if kind in (pa.date32(), INSTANT) and _DAY_OR_MONTH.fullmatch(text):
        return Code.DATA_DATE_AMBIGUOUS
    if kind == INSTANT:
        return _moment(text)
    if kind == pa.int64():
        return _whole(text)
    if kind == pa.float64() and _PLAIN.fullmatch(text):
        return Code.DATA_INT_PRECISION if _loses_a_digit(text) else float(text)
    found = _cast(pa.array([text]), kind)
    return Code.SCHEMA_TYPE if found is None else found[0].as_py()


def _whole(text: str) -> int | Code:
    if _WHOLE.fullmatch(text):
        return int(text) if abs(int(text)) < _BEYOND_INT64 else Code.DATA_INT_PRECISION
    if written_as_float := _WHOLE_AS_FLOAT.fullmatch(text):
        number = int(written_as_float[1])  # a writer that met a missing value may have made floats of them all
        return number if abs(number) < DIGITS else Code.DATA_INT_PRECISION
    return Code.SCHEMA_TYPE


def _moment(text: str) -> int | Code:
    moment = microseconds(text)
    if moment is not None:
        return moment
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return Code.SCHEMA_TYPE
    return Code.TIME_NAIVE
