"""The sentences in which outcomes are told."""

from __future__ import annotations

import pytest

from perennial.quality.sentences import reason, row_sentence, table_sentence

BETWEEN = "expect_column_values_to_be_between"
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"min_value": -30, "max_value": 45}, "x: 2 of 24 rows are outside -30 .. 45"),
        ({"min_value": 0, "max_value": 9, "strict_min": True}, "x: 2 of 24 rows are outside 0 .. 9 (0 excluded)"),
        ({"min_value": 0, "max_value": 9, "strict_max": True}, "x: 2 of 24 rows are outside 0 .. 9 (9 excluded)"),
        (
            {"min_value": 0, "max_value": 9, "strict_min": True, "strict_max": True},
            "x: 2 of 24 rows are outside 0 .. 9 (0 and 9 excluded)",
        ),
        ({"min_value": 0}, "x: 2 of 24 rows are below 0"),
        ({"min_value": 0, "strict_min": True}, "x: 2 of 24 rows are not above 0"),
        ({"max_value": 9}, "x: 2 of 24 rows are above 9"),
        ({"max_value": 9, "strict_max": True}, "x: 2 of 24 rows are not below 9"),
        ({"max_value": 9, "mostly": 0.95}, "x: 2 of 24 rows are above 9 (5 % tolerated)"),
    ],
)
def test_a_range_is_told_by_what_lies_beyond_it(arguments: dict[str, object], expected: str) -> None:
    """Each kind of end has its own words."""
    assert row_sentence(BETWEEN, {"column": "x", **arguments}, unexpected=2, rows=24) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("expect_column_values_to_not_be_null", {"column": "x"}, "x is missing"),
        ("expect_column_values_to_be_null", {"column": "x"}, "x is not missing"),
        ("expect_column_values_to_be_in_set", {"column": "x", "value_set": [0, 1]}, "x is not one of 0, 1"),
        ("expect_column_values_to_be_in_set", {"column": "x", "value_set": list("abcdef")}, "x is not one of 6 values"),
        ("expect_column_values_to_not_be_in_set", {"column": "x", "value_set": [-200]}, "x is one of -200"),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": "^s"}, "x does not match ^s"),
        ("expect_column_value_lengths_to_be_between", {"column": "x", "max_value": 3}, "x has a length above 3"),
        ("expect_column_values_to_be_unique", {"column": "x"}, "x is not unique"),
        ("expect_compound_columns_to_be_unique", {"column_list": ["x", "y"]}, "x, y are not unique together"),
        (PAIR, {"column_A": "x", "column_B": "y"}, "x is not above y"),
        (PAIR, {"column_A": "x", "column_B": "y", "or_equal": True}, "x is below y"),
        (BETWEEN, {"column": "x", "min_value": 0}, "x is below 0"),
    ],
)
def test_a_refused_row_is_told_why(name: str, arguments: dict[str, object], expected: str) -> None:
    """The reason beside a quarantined row is a sentence of its own."""
    assert reason(name, arguments) == expected


def test_one_row_is_one_row() -> None:
    """The verb follows the number."""
    told = row_sentence("expect_column_values_to_match_regex", {"column": "x", "regex": "^s"}, unexpected=1, rows=24)

    assert told == "x: 1 of 24 rows does not match ^s"


@pytest.mark.parametrize(
    ("name", "arguments", "success", "expected"),
    [
        ("expect_table_row_count_to_be_between", {"min_value": 20}, False, "the table: the row count 3 is below 20"),
        ("expect_table_row_count_to_be_between", {"min_value": 3}, True, "the table: the row count 3 is at least 3"),
        ("expect_column_to_exist", {"column": "x"}, True, "x: there is such a column"),
        ("expect_column_to_exist", {"column": "x", "column_index": 2}, False, "x: there is no such column at position 2"),
        ("expect_column_mean_to_be_between", {"column": "x", "min_value": 0, "strict_min": True}, True, "x: the mean is above 0"),
        ("expect_column_max_to_be_between", {"column": "x", "max_value": 9}, True, "x: the greatest value is at most 9"),
        (
            "expect_column_min_to_be_between",
            {"column": "x", "max_value": 9, "strict_max": True},
            True,
            "x: the least value is below 9",
        ),
        (
            "expect_column_median_to_be_between",
            {"column": "x", "min_value": 0, "max_value": 9},
            True,
            "x: the median is within 0 .. 9",
        ),
        ("expect_column_stdev_to_be_between", {"column": "x", "max_value": 9}, False, "x: the standard deviation is above 9"),
        (
            "expect_column_unique_value_count_to_be_between",
            {"column": "x", "max_value": 9},
            False,
            "x: the number of different values is above 9",
        ),
        (
            "expect_column_proportion_of_unique_values_to_be_between",
            {"column": "x", "min_value": 0.5},
            False,
            "x: the share of different values is below 0.5",
        ),
    ],
)
def test_a_table_is_told_by_its_figure(name: str, arguments: dict[str, object], success: bool, expected: str) -> None:
    """The figure itself is a row's value often enough, so only its place is told."""
    assert table_sentence(name, arguments, success=success, rows=3) == expected
