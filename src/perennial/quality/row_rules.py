"""The expectations about single rows: which rows of a batch do not meet one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from perennial.quality.column import Column, Kind, Misfit
from perennial.quality.limits import Limits, beyond
from perennial.quality.marks import Mask
from perennial.quality.members import among
from perennial.quality.pairs import not_greater
from perennial.quality.scan import Batch

Arguments = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule saw in a batch.

    Attributes:
        considered: The rows that the rule is about: as a rule those whose value is not missing.
        unexpected: Where a row does not meet it; None where every row does.
    """

    considered: int
    unexpected: Mask | None


RowRule = Callable[[Batch], Seen]
"""Looks at a batch.

Raises:
    Misfit: The rule cannot be checked on this kind of column.
"""


def row_rule(type: str, arguments: Arguments) -> RowRule:  # noqa: A002 - the definition's own word
    """Return the rule of an expectation about single rows, which the catalogue found without faults.

    It travels to other machines as these two, and is made anew there: never as code.
    """
    return _Rule(type, arguments)


def is_row_rule(type: str) -> bool:  # noqa: A002 - the definition's own word
    """Return whether an expectation is about single rows, so that it can be checked on each batch alone."""
    return type in _RULES


class _Rule:
    """A rule, and what it was made of."""

    __slots__ = ("_look", "_made_of")

    def __init__(self, type: str, arguments: Arguments) -> None:  # noqa: A002 - the definition's own word
        self._made_of, self._look = (type, arguments), _RULES[type](arguments)

    def __call__(self, batch: Batch) -> Seen:
        """Look at *batch*."""
        return self._look(batch)

    def __reduce__(self) -> tuple[Callable[..., RowRule], tuple[str, Arguments]]:
        return row_rule, self._made_of


def _not_missing(arguments: Arguments) -> RowRule:
    name = str(arguments["column"])
    return lambda batch: Seen(len(batch), batch[name].missing)


def _missing(arguments: Arguments) -> RowRule:
    name = str(arguments["column"])

    def look(batch: Batch) -> Seen:
        missing = batch[name].missing
        return Seen(len(batch), np.ones(len(batch), dtype=bool) if missing is None else ~missing)

    return look


def _between(arguments: Arguments) -> RowRule:
    limits = Limits.of(arguments)
    return _values(arguments, lambda column: beyond(limits, column))


def _in_set(arguments: Arguments) -> RowRule:
    wanted = _listed(arguments)
    return _values(arguments, lambda column: ~among(column, wanted, moments=False))


def _not_in_set(arguments: Arguments) -> RowRule:
    unwanted = _listed(arguments)
    return _values(arguments, lambda column: among(column, unwanted, moments=True))


def _match(arguments: Arguments) -> RowRule:
    search = re.compile(str(arguments["regex"])).search
    return _texts(arguments, lambda texts: np.fromiter((search(text) is None for text in texts), bool, len(texts)))


def _lengths(arguments: Arguments) -> RowRule:
    limits = Limits.of(arguments)
    return _texts(arguments, lambda texts: limits.outside(np.fromiter(map(len, texts), np.int64, len(texts))))


def _pair(arguments: Arguments) -> RowRule:
    first, second = str(arguments["column_A"]), str(arguments["column_B"])
    ignored = str(arguments.get("ignore_row_if", "both_values_are_missing"))
    or_equal = bool(arguments.get("or_equal"))

    def look(batch: Batch) -> Seen:
        found, considered = not_greater(batch[first], batch[second], or_equal=or_equal, ignored=ignored)
        return Seen(considered, found)

    return look


def _values(arguments: Arguments, unexpected: Callable[[Column], Mask | None]) -> RowRule:
    """Return the rule that asks *unexpected* of the values that are not missing."""
    name = str(arguments["column"])

    def look(batch: Batch) -> Seen:
        column = batch[name]
        if column.kind is Kind.OTHER:
            raise Misfit
        found = unexpected(column)
        if found is not None and column.missing is not None:
            found = found & ~column.missing
        return Seen(column.count, found)

    return look


def _texts(arguments: Arguments, unexpected: Callable[[list[str]], Mask]) -> RowRule:
    """Return the rule that asks *unexpected* of every different value once, as text, and not of every row."""

    def look(column: Column) -> Mask:
        words, which = column.words
        return np.append(unexpected(_written(words)), False)[which]

    return _values(arguments, look)


def _written(words: pa.Array) -> list[str]:
    """Return values as Python writes them: whole numbers in digits, moments as ``2024-03-01 00:00:00+00:00``."""
    values = words.to_pylist()
    return values if pa.types.is_string(words.type) else [str(value) for value in values]


def _listed(arguments: Arguments) -> list[object]:
    listed = arguments["value_set"]
    return list(listed) if isinstance(listed, list | tuple) else []


_RULES: Mapping[str, Callable[[Arguments], RowRule]] = {
    "expect_column_values_to_not_be_null": _not_missing,
    "expect_column_values_to_be_null": _missing,
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_values_to_match_regex": _match,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_pair_values_a_to_be_greater_than_b": _pair,
}
