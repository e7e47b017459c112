"""What an expectation's outcome is called in plain words. No sentence holds a value out of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perennial.quality.catalog import columns

_LISTED = 5
_SINGULAR = {"are": "is", "do": "does", "have": "has"}
_FIGURES = {
    "expect_column_mean_to_be_between": "the mean",
    "expect_column_min_to_be_between": "the least value",
    "expect_column_max_to_be_between": "the greatest value",
    "expect_column_median_to_be_between": "the median",
    "expect_column_stdev_to_be_between": "the standard deviation",
    "expect_column_unique_value_count_to_be_between": "the number of different values",
    "expect_column_proportion_of_unique_values_to_be_between": "the share of different values",
}


def row_sentence(type: str, arguments: Mapping[str, object], *, unexpected: int, rows: int) -> str:  # noqa: A002 - its word
    """Say how many rows did not meet an expectation.

    Examples:
        >>> limits = {"column": "temperature", "min_value": -30, "max_value": 45}
        >>> row_sentence("expect_column_values_to_be_between", limits, unexpected=24, rows=24)
        'temperature: 24 of 24 rows are outside -30 .. 45'
    """
    said = fault_of_rows(type, arguments)
    share = arguments.get("mostly", 1)
    tolerated = f" ({(1 - share) * 100:.4g} % tolerated)" if isinstance(share, float) and share < 1 else ""
    return f"{subject(type, arguments)}: {unexpected} of {rows} rows {_conjugate(said) if unexpected == 1 else said}{tolerated}"


def reason(type: str, arguments: Mapping[str, object]) -> str:  # noqa: A002 - the definition's own word
    """Say of one row why it was refused.

    Examples:
        >>> reason("expect_column_values_to_not_be_null", {"column": "rides"})
        'rides is missing'
    """
    read = subject(type, arguments)
    said = fault_of_rows(type, arguments)
    return f"{read} {said if ', ' in read else _conjugate(said)}"


def table_sentence(type: str, arguments: Mapping[str, object], *, success: bool, rows: int) -> str:  # noqa: A002 - its word
    """Say whether a table as a whole met an expectation.

    Examples:
        >>> table_sentence("expect_table_row_count_to_be_between", {"min_value": 20}, success=False, rows=3)
        'the table: the row count 3 is below 20'
    """
    read = subject(type, arguments)
    if type == "expect_column_to_exist":
        place = f" at position {arguments['column_index']}" if arguments.get("column_index") is not None else ""
        return f"{read}: there is {'such a' if success else 'no such'} column{place}"
    figure = _FIGURES.get(type, f"the row count {rows}")
    return f"{read}: {figure} is {_inside(arguments) if success else limits(arguments)}"


def subject(type: str, arguments: Mapping[str, object]) -> str:  # noqa: A002 - the definition's own word
    """Return what an expectation is about: its columns (of a pair the first), or the table."""
    read = columns(type, arguments)
    return read[0] if "column_A" in arguments else ", ".join(read) or "the table"


def limits(arguments: Mapping[str, object]) -> str:
    """Return what lies beyond the ends of a range, in words: ``outside 0 .. 9``, ``below 0``, ``not above 0``."""
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if high is None:
        return f"{'not above' if arguments.get('strict_min') else 'below'} {low}"
    if low is None:
        return f"{'not below' if arguments.get('strict_max') else 'above'} {high}"
    return f"outside {_ends(arguments)}"


def fault_of_rows(type: str, arguments: Mapping[str, object]) -> str:  # noqa: A002 - the definition's own word
    """Return what is wrong with the rows that an expectation refuses, as a phrase about several rows."""
    return _PHRASES[type](arguments) if type in _PHRASES else f"are {limits(arguments)}"


def _inside(arguments: Mapping[str, object]) -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if high is None:
        return f"{'above' if arguments.get('strict_min') else 'at least'} {low}"
    if low is None:
        return f"{'below' if arguments.get('strict_max') else 'at most'} {high}"
    return f"within {_ends(arguments)}"


def _ends(arguments: Mapping[str, object]) -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    excluded = [str(end) for end, name in ((low, "strict_min"), (high, "strict_max")) if arguments.get(name)]
    left_out = f" ({' and '.join(excluded)} excluded)" if excluded else ""
    return f"{low} .. {high}{left_out}"


def _conjugate(said: str) -> str:
    verb, _, rest = said.partition(" ")
    return f"{_SINGULAR[verb]} {rest}"


def _listed(values: object) -> str:
    known = list(values) if isinstance(values, list | tuple) else [values]
    return f"one of {', '.join(map(str, known))}" if len(known) <= _LISTED else f"one of {len(known)} values"


_PHRASES: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "expect_column_values_to_not_be_null": lambda _: "are missing",
    "expect_column_values_to_be_null": lambda _: "are not missing",
    "expect_column_values_to_be_in_set": lambda arguments: f"are not {_listed(arguments['value_set'])}",
    "expect_column_values_to_not_be_in_set": lambda arguments: f"are {_listed(arguments['value_set'])}",
    "expect_column_values_to_match_regex": lambda arguments: f"do not match {arguments['regex']}",
    "expect_column_value_lengths_to_be_between": lambda arguments: f"have a length {limits(arguments)}",
    "expect_column_pair_values_a_to_be_greater_than_b": lambda arguments: (
        f"are {'below' if arguments.get('or_equal') else 'not above'} {arguments['column_B']}"
    ),
    "expect_column_values_to_be_unique": lambda _: "are not unique",
    "expect_compound_columns_to_be_unique": lambda _: "are not unique together",
}
"""What is wrong with refused rows; of an expectation that is not here, they lie outside its limits."""
