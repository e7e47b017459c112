"""The catalogue of supported expectations."""

from __future__ import annotations

import pytest

from perennial.quality.catalog import columns, faults

BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
COMPOUND = "expect_compound_columns_to_be_unique"
BOUND = "min_value: must be a finite number, or a moment such as 2024-03-01T02:00Z"
MIXED = "value_set: must hold only texts, only finite numbers, or only true and false, got [1, '1']"
CHOICES = "ignore_row_if: must be one of all_values_are_missing, any_value_is_missing, never, got 'no'"
OPEN_GROUP = "regex: must be a regular expression (missing ), unterminated subpattern at position 0), got '(a'"


def test_an_unknown_expectation_is_answered_with_the_nearest_one() -> None:
    """A slip of the pen is recognised."""
    expected = f"type: must be a supported expectation, got 'expect_column_value_to_be_between'; did you mean {BETWEEN}?"

    assert [expected] == faults("expect_column_value_to_be_between", {"column": "x"})


def test_what_resembles_nothing_gets_no_suggestion() -> None:
    """A wild guess would mislead."""
    assert faults("zzz", {}) == ["type: must be a supported expectation, got 'zzz'"]


def test_all_faults_of_one_expectation_are_told_at_once() -> None:
    """Missing, unknown and mistyped arguments come together."""
    found = faults(BETWEEN, {"mn_value": 0, "max_value": "high", "mostly": 0, "strict_min": 1})

    assert found == [
        "column: is required",
        f"mn_value: is no argument of {BETWEEN}; did you mean min_value?",
        "max_value: must be a finite number, or a moment such as 2024-03-01T02:00Z, got 'high'",
        "strict_min: must be true or false, got 1",
        "mostly: must be above 0 and at most 1, got 0",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "min_value: min_value or max_value is required"),
        ({"min_value": 45, "max_value": -30}, "min_value: must not be above max_value, got 45 and -30"),
        (
            {"min_value": 1, "max_value": 1, "strict_max": True},
            "min_value: must be below max_value where an end is excluded, got 1",
        ),
        (
            {"min_value": 1, "max_value": "2024-03-01T00:00Z"},
            "min_value: must be of one kind with max_value: two numbers or two moments",
        ),
        (
            {"min_value": "2024-03-02T00:00Z", "max_value": "2024-03-02T00:00+02:00"},
            "min_value: must not be above max_value, got '2024-03-02T00:00Z' and '2024-03-02T00:00+02:00'",
        ),
    ],
)
def test_a_range_must_hold_something(arguments: dict[str, object], expected: str) -> None:
    """Ends that contradict each other are a fault of the definition, not of the data."""
    assert faults(BETWEEN, {"column": "x", **arguments}) == [expected]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        (BETWEEN, {"column": 3, "min_value": 0}, "column: must be the name of a column, got 3"),
        (BETWEEN, {"column": "x", "min_value": True}, f"{BOUND}, got True"),
        (BETWEEN, {"column": "x", "min_value": float("nan")}, f"{BOUND}, got nan"),
        (BETWEEN, {"column": "x", "min_value": 10**400}, f"{BOUND}, got 1{'0' * 56}..."),
        (BETWEEN, {"column": "x", "min_value": "2024-03-01"}, f"{BOUND}, got '2024-03-01'"),
        (BETWEEN, {"column": "x", "min_value": 0, "mostly": 95}, "mostly: must be above 0 and at most 1, got 95"),
        (IN_SET, {"column": "x", "value_set": []}, "value_set: must be a list of at least 1 value, got []"),
        (IN_SET, {"column": "x", "value_set": [1, "1"]}, MIXED),
        (IN_SET, {"column": "x", "value_set": "ab"}, "value_set: must be a list of at least 1 value, got 'ab'"),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": "(a"}, OPEN_GROUP),
        ("expect_column_values_to_match_regex", {"column": "x"}, "regex: is required"),
        (COMPOUND, {"column_list": ["a"]}, "column_list: must be a list of at least 2 column names, got ['a']"),
        (COMPOUND, {"column_list": ["a", "a"]}, "column_list: must not name a column twice, got ['a', 'a']"),
        (COMPOUND, {"column_list": ["a", "b"], "ignore_row_if": "no"}, CHOICES),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "a", "column_B": "a"},
            "column_B: must be another column than column_A",
        ),
        ("expect_table_row_count_to_be_between", {"min_value": 1.5}, "min_value: must be a whole number, at least 0, got 1.5"),
        (
            "expect_column_stdev_to_be_between",
            {"column": "x", "min_value": -1},
            "min_value: must be a finite number, at least 0, got -1",
        ),
        (
            "expect_column_proportion_of_unique_values_to_be_between",
            {"column": "x", "max_value": 2},
            "max_value: must be a number from 0 to 1, got 2",
        ),
        (
            "expect_column_mean_to_be_between",
            {"column": "x", "min_value": 0, "mostly": 0.9},
            "mostly: is no argument of expect_column_mean_to_be_between",
        ),
    ],
)
def test_each_argument_has_its_rule(name: str, arguments: dict[str, object], expected: str) -> None:
    """A message names the argument, what is allowed, and what was found."""
    assert faults(name, arguments) == [expected]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (BETWEEN, {"column": "x", "min_value": 0, "max_value": 1.5, "strict_min": False, "mostly": 0.95}),
        (BETWEEN, {"column": "x", "min_value": "2024-03-01T00:00Z"}),
        (IN_SET, {"column": "x", "value_set": [0, 1.5]}),
        ("expect_column_values_to_not_be_in_set", {"column": "x", "value_set": [True]}),
        ("expect_table_row_count_to_be_between", {"max_value": 28}),
        ("expect_column_to_exist", {"column": "x", "column_index": 0}),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b", "or_equal": True}),
    ],
)
def test_a_sound_expectation_has_no_faults(name: str, arguments: dict[str, object]) -> None:
    """What is right passes."""
    assert faults(name, arguments) == []


def test_a_long_value_is_cut_in_a_message() -> None:
    """A definition with a page of text in one argument does not flood the log."""
    (found,) = faults("expect_column_values_to_not_be_null", {"column": ["x" * 5000]})

    assert found == "column: must be the name of a column, got ['" + "x" * 55 + "..."


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        (BETWEEN, {"column": "x", "min_value": 0}, ("x",)),
        (COMPOUND, {"column_list": ["a", "b"]}, ("a", "b")),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}, ("a", "b")),
        ("expect_table_row_count_to_be_between", {"min_value": 1}, ()),
        ("expect_nothing", {"column": "x"}, ()),
    ],
)
def test_the_columns_that_an_expectation_reads_are_known(
    name: str, arguments: dict[str, object], expected: tuple[str, ...]
) -> None:
    """So that an extract can bring them."""
    assert columns(name, arguments) == expected
