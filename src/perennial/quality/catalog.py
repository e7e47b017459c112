"""The expectations that Perennial supports, with their arguments as in Great Expectations.

Imported while DAG files are parsed, so the standard library only. A test compares the table with Great Expectations' own classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from perennial.quality import arguments as rules
from perennial.quality.arguments import Rule, range_faults, shown


@dataclass(frozen=True, slots=True)
class Supported:
    """One kind of expectation.

    Attributes:
        required: The rule of each argument that must be given.
        optional: The rule of each argument that may be given.
        by_row: Whether it speaks about rows, and so can name those that do not meet it; else it speaks about the whole table.
    """

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule]
    by_row: bool

    @property
    def ranged(self) -> bool:
        """Whether it has a lower and an upper end."""
        return "min_value" in self.optional


def _rows(required: Mapping[str, Rule], **optional: Rule) -> Supported:
    return Supported(required, {**optional, "mostly": rules.mostly}, by_row=True)


def _range(end: Rule) -> dict[str, Rule]:
    return {"min_value": end, "max_value": end, "strict_min": rules.flag, "strict_max": rules.flag}


def _figure(end: Rule) -> Supported:
    return Supported(_COLUMN, _range(end), by_row=False)


_COLUMN: Mapping[str, Rule] = {"column": rules.column}
_PAIR: Mapping[str, Rule] = {"column_A": rules.column, "column_B": rules.column}
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")

SUPPORTED: Mapping[str, Supported] = MappingProxyType(
    {
        "expect_column_values_to_not_be_null": _rows(_COLUMN),
        "expect_column_values_to_be_null": _rows(_COLUMN),
        "expect_column_values_to_be_between": _rows(_COLUMN, **_range(rules.bound)),
        "expect_column_values_to_be_in_set": _rows({**_COLUMN, "value_set": rules.values}),
        "expect_column_values_to_not_be_in_set": _rows({**_COLUMN, "value_set": rules.values}),
        "expect_column_values_to_match_regex": _rows({**_COLUMN, "regex": rules.pattern}),
        "expect_column_value_lengths_to_be_between": _rows(_COLUMN, **_range(rules.count)),
        "expect_column_values_to_be_unique": _rows(_COLUMN),
        "expect_compound_columns_to_be_unique": _rows(
            {"column_list": rules.columns},
            ignore_row_if=rules.one_of("all_values_are_missing", "any_value_is_missing", "never"),
        ),
        "expect_column_pair_values_a_to_be_greater_than_b": _rows(
            _PAIR,
            or_equal=rules.flag,
            ignore_row_if=rules.one_of("both_values_are_missing", "either_value_is_missing", "neither"),
        ),
        "expect_table_row_count_to_be_between": Supported({}, _range(rules.count), by_row=False),
        "expect_column_to_exist": Supported(_COLUMN, {"column_index": rules.count}, by_row=False),
        "expect_column_mean_to_be_between": _figure(rules.number),
        "expect_column_min_to_be_between": _figure(rules.bound),
        "expect_column_max_to_be_between": _figure(rules.bound),
        "expect_column_median_to_be_between": _figure(rules.number),
        "expect_column_stdev_to_be_between": _figure(rules.positive),
        "expect_column_unique_value_count_to_be_between": _figure(rules.count),
        "expect_column_proportion_of_unique_values_to_be_between": _figure(rules.part),
    }
)
"""Every supported expectation by its name."""


def faults(type: str, arguments: Mapping[str, object]) -> list[str]:  # noqa: A002 - the definition's own word
    """Return everything that is wrong with an expectation, one message per fault, each with the argument that it is about.

    Examples:
        >>> faults("expect_column_values_to_be_between", {"column": "temperature", "min_value": 45, "max_value": -30})
        ['min_value: must not be above max_value, got 45 and -30']
    """
    supported = SUPPORTED.get(type)
    if supported is None:
        return [f"type: must be a supported expectation, got {shown(type)}{_meant(type, SUPPORTED)}"]
    known = {**supported.required, **supported.optional}
    found = [f"{name}: is required" for name in supported.required if name not in arguments]
    found += [f"{shown(name)[1:-1]}: is no argument of {type}{_meant(name, known)}" for name in arguments if name not in known]
    wrong = [
        f"{name}: {allowed}, got {shown(arguments[name])}"
        for name, rule in known.items()
        if name in arguments and (allowed := rule(arguments[name]))
    ]
    return found + (wrong or _relation_faults(supported, arguments))


def columns(type: str, arguments: Mapping[str, object]) -> tuple[str, ...]:  # noqa: A002 - the definition's own word
    """Return the columns that an expectation without faults reads.

    Examples:
        >>> columns("expect_compound_columns_to_be_unique", {"column_list": ["station", "event_at"]})
        ('station', 'event_at')
    """
    read: list[str] = []
    for name in _COLUMN_ARGUMENTS:
        value = arguments.get(name) if type in SUPPORTED else None
        read.extend([value] if isinstance(value, str) else value if isinstance(value, list | tuple) else [])
    return tuple(read)


def _relation_faults(supported: Supported, arguments: Mapping[str, object]) -> list[str]:
    if supported.ranged:
        return range_faults(arguments)
    if "column_A" in arguments and arguments["column_A"] == arguments.get("column_B"):
        return ["column_B: must be another column than column_A"]
    return []


def _meant(word: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
