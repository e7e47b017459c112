"""Checking rows, as a definition asks for it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.quality.catalog import SUPPORTED, faults
from perennial.quality.check import Expected, check
from perennial.quality.distinct import Distinct
from perennial.quality.rows import TableRows

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
PAIR = "expect_column_pair_values_a_to_be_greater_than_b"
numbers = st.lists(st.one_of(st.none(), st.integers(-5, 5).map(float), st.just(float("inf"))), min_size=1, max_size=30)


def _refused(rows: pa.Table, *expectations: Expected) -> list[int]:
    return np.flatnonzero(check(TableRows(rows), expectations).refused.mask(0, rows.num_rows)).tolist()


def _sentences(rows: pa.Table, *expectations: Expected) -> list[str]:
    for name, arguments in expectations:
        assert faults(name, arguments) == []
    return [finding.sentence for finding in check(TableRows(rows), expectations).findings]


@given(values=numbers, low=st.integers(-6, 0), high=st.integers(1, 6), strict=st.booleans())
@settings(max_examples=25, deadline=None)
def test_between_refuses_what_numpy_says(values: list[float | None], low: int, high: int, strict: bool) -> None:
    """A missing value is not outside; infinity is."""
    x = np.array([np.nan if value is None else value for value in values])
    outside = (x <= low) | (x > high) if strict else (x < low) | (x > high)
    arguments = {"column": "x", "min_value": low, "max_value": high, "strict_min": strict}

    assert _refused(pa.table({"x": pa.array(values, pa.float64())}), (BETWEEN, arguments)) == np.flatnonzero(outside).tolist()


@given(values=numbers)
@settings(max_examples=25, deadline=None)
def test_missing_duplicated_and_foreign_values_are_refused_as_numpy_says(values: list[float | None]) -> None:
    """Every copy of a duplicate is refused, because nobody knows which one is right; missing values are no duplicates."""
    rows = pa.table({"x": pa.array(values, pa.float64())})
    known = np.array([value for value in values if value is not None])
    expected = {
        NOT_NULL: [i for i, value in enumerate(values) if value is None],
        "expect_column_values_to_be_null": [i for i, value in enumerate(values) if value is not None],
        "expect_column_values_to_be_unique": [
            i for i, value in enumerate(values) if value is not None and np.count_nonzero(known == value) > 1
        ],
        "expect_column_values_to_be_in_set": [i for i, value in enumerate(values) if value not in {None, 0, 1}],
        "expect_column_values_to_not_be_in_set": [i for i, value in enumerate(values) if value in {0, 1}],
    }

    found = {name: _refused(rows, (name, {"column": "x"} | ({"value_set": [0, 1]} if "set" in name else {}))) for name in expected}

    assert found == expected


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_compound_columns_are_unique_together(keys: list[tuple[str, int]]) -> None:
    """The pair counts, not its parts."""
    rows = pa.table({"station": [key[0] for key in keys], "hour": [key[1] for key in keys]})
    expected = [position for position, key in enumerate(keys) if keys.count(key) > 1]

    assert _refused(rows, ("expect_compound_columns_to_be_unique", {"column_list": ["station", "hour"]})) == expected


def test_findings_come_in_the_order_of_the_expectations_and_say_what_was_found() -> None:
    """One night of a bike share, with what is wrong with it."""
    rows = pa.table(
        {
            "station": ["s1", "s2", "s2", "x9"],
            "temperature": [-200.0, 12.0, 13.5, 14.0],
            "rides": pa.array([4, None, 7, 2000], pa.int64()),
        }
    )
    limits = {"min_value": -30, "max_value": 45}

    assert _sentences(
        rows,
        (BETWEEN, {"column": "temperature", **limits}),
        (NOT_NULL, {"column": "rides", "mostly": 0.5}),
        ("expect_table_row_count_to_be_between", {"min_value": 20, "max_value": 28}),
        ("expect_column_mean_to_be_between", {"column": "temperature", **limits}),
        (BETWEEN, {"column": "rides", "max_value": 1000}),
        ("expect_column_values_to_match_regex", {"column": "station", "regex": "^(s[0-9])$"}),
        ("expect_column_value_lengths_to_be_between", {"column": "station", "min_value": 2, "max_value": 2}),
        ("expect_column_to_exist", {"column": "wet"}),
        (BETWEEN, {"column": "temperature", **limits}),
    ) == [
        "temperature: 1 of 4 rows is outside -30 .. 45",
        "rides: 1 of 4 rows is missing (50 % tolerated)",
        "the table: the row count 4 is outside 20 .. 28",
        "temperature: the mean is outside -30 .. 45",
        "rides: 1 of 4 rows is above 1000",
        "station: 1 of 4 rows does not match ^(s[0-9])$",
        "station: 0 of 4 rows have a length outside 2 .. 2",
        "wet: there is no such column",
        "temperature: 1 of 4 rows is outside -30 .. 45",
    ]


def test_tolerated_rows_are_refused_though_the_finding_is_a_success() -> None:
    """``mostly`` decides about the night, not about the row."""
    checked = check(TableRows(pa.table({"x": [1.0, None, 3.0, 4.0]})), [(NOT_NULL, {"column": "x", "mostly": 0.75})])

    assert [(finding.success, finding.unexpected) for finding in checked.findings] == [(True, 1)]
    assert checked.refused.mask(0, 4).tolist() == [False, True, False, False]
    assert checked.unmet == ()


def test_more_than_mostly_is_a_failure() -> None:
    """One row too many."""
    checked = check(TableRows(pa.table({"x": [None, None, 3.0, 4.0]})), [(NOT_NULL, {"column": "x", "mostly": 0.75})])

    assert [(finding.success, finding.unexpected) for finding in checked.findings] == [(False, 2)]


def test_a_table_without_rows_meets_nothing_about_rows() -> None:
    """Great Expectations alone would let it pass."""
    rows = pa.table({"x": pa.array([], pa.float64())})

    assert _sentences(rows, (NOT_NULL, {"column": "x"}), ("expect_table_row_count_to_be_between", {"min_value": 1})) == [
        "x: could not be checked, there are no rows",
        "the table: the row count 0 is below 1",
    ]
    assert [finding.success for finding in check(TableRows(rows), [(NOT_NULL, {"column": "x"})]).unmet] == [False]


def test_what_does_not_fit_is_a_failure_that_tells_no_value() -> None:
    """A column of another type, one that is not there, one without values: none of them passes."""
    rows = pa.table({"station": ["secret"], "empty": pa.array([None], pa.float64())})
    expectations: list[Expected] = [
        (BETWEEN, {"column": "station", "min_value": 0}),
        ("expect_column_mean_to_be_between", {"column": "station", "min_value": 0}),
        (NOT_NULL, {"column": "rides"}),
        ("expect_column_max_to_be_between", {"column": "empty", "min_value": 0}),
    ]

    checked = check(TableRows(rows), expectations)

    assert [finding.sentence for finding in checked.unmet] == [
        "station: could not be checked, the type does not fit: station is str",
        "station: could not be checked, the type does not fit: station is str",
        "rides: could not be checked, there is no column rides",
        "empty: could not be checked, its figure cannot be computed from the values that there are",
    ]


def test_a_column_that_stands_twice_is_not_checked() -> None:
    """Nobody knows which one is meant."""
    rows = pa.table([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])

    assert _sentences(rows, (NOT_NULL, {"column": "x"})) == ["x: could not be checked, there are several columns x"]


def test_moments_are_compared_in_utc() -> None:
    """A bound with an offset means the same moment."""
    moments = [datetime(2024, 3, 1, hour, tzinfo=UTC) for hour in (0, 1, 2)]
    rows = pa.table({"event_at": pa.array(moments, pa.timestamp("us", "UTC"))})
    arguments = {"column": "event_at", "min_value": "2024-03-01T02:00+01:00", "max_value": "2024-03-01T01:30Z"}

    assert _refused(rows, (BETWEEN, arguments)) == [0, 2]


def test_a_large_whole_number_beside_a_missing_one_keeps_its_digit() -> None:
    """2**53 and 2**53 + 1 are two numbers."""
    rows = pa.table({"id": pa.array([2**53, 2**53 + 1, None], pa.int64())})

    assert _refused(rows, ("expect_column_values_to_be_unique", {"column": "id"})) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({}, [1, 2]), ({"or_equal": True}, [2]), ({"ignore_row_if": "either_value_is_missing"}, [1])],
)
def test_one_column_is_above_another(arguments: dict[str, object], expected: list[int]) -> None:
    """One missing side is not above, unless such rows are left out; two missing sides are left out."""
    rows = pa.table({"a": [2.0, 1.0, None, None], "b": [1.0, 1.0, 1.0, None]})

    assert _refused(rows, (PAIR, {"column_A": "a", "column_B": "b", **arguments})) == expected


@pytest.mark.parametrize(
    ("name", "met", "missed"),
    [
        ("expect_column_mean_to_be_between", 2, 3),
        ("expect_column_min_to_be_between", 1, 2),
        ("expect_column_max_to_be_between", 4, 5),
        ("expect_column_median_to_be_between", 1, 2),
        ("expect_column_stdev_to_be_between", 1, 2),
        ("expect_column_unique_value_count_to_be_between", 2, 3),
        ("expect_column_proportion_of_unique_values_to_be_between", 0.5, 0.7),
    ],
)
def test_figures_of_a_column_are_held_against_their_limits(name: str, met: float, missed: float) -> None:
    """Of 1, 1, 4: mean 2, median 1, standard deviation 1.73, two values, a share of 2/3."""
    rows = pa.table({"x": [1.0, 1.0, 4.0]})

    findings = check(TableRows(rows), [(name, {"column": "x", "min_value": least}) for least in (met, missed)]).findings

    assert [finding.success for finding in findings] == [True, False]


@pytest.mark.parametrize("values", [[1.0], [float("inf"), 1.0], [None, None]])
def test_a_figure_that_does_not_exist_is_not_told_as_too_small(values: list[float | None]) -> None:
    """The spread of one value, of infinity, and of nothing."""
    rows = pa.table({"x": pa.array(values, pa.float64())})

    assert _sentences(rows, ("expect_column_stdev_to_be_between", {"column": "x", "min_value": 0})) == [
        "x: could not be checked, its figure cannot be computed from the values that there are"
    ]


def test_whole_numbers_beside_missing_ones_are_written_as_whole_numbers() -> None:
    """Not as 1.0, which pandas makes of them."""
    rows = pa.table({"x": pa.array([1, None, 12], pa.int64())})

    assert _refused(rows, ("expect_column_values_to_match_regex", {"column": "x", "regex": "^[0-9]$"})) == [2]
    assert _refused(rows, ("expect_column_value_lengths_to_be_between", {"column": "x", "min_value": 2})) == [0]


def test_a_decimal_is_written_with_all_its_places() -> None:
    """As the database writes it: 2.90, which pandas as a float64 would write 2.9."""
    rows = pa.table({"x": pa.array([Decimal("2.90"), None, Decimal("-1.22")], pa.decimal128(12, 2))})

    assert _refused(rows, ("expect_column_values_to_match_regex", {"column": "x", "regex": r"\.[0-9]0$"})) == [2]
    assert _refused(rows, ("expect_column_value_lengths_to_be_between", {"column": "x", "max_value": 4})) == [2]


def test_a_long_decimal_keeps_its_digits_where_they_make_it_unique() -> None:
    """Both are the same float64."""
    rows = pa.table({"x": pa.array([Decimal("12345678901234567.01"), Decimal("12345678901234567.02")])})

    assert _refused(rows, ("expect_column_values_to_be_unique", {"column": "x"})) == []


@pytest.mark.parametrize(
    "column",
    [
        pa.array([datetime(2024, 3, 1), None], pa.timestamp("us")),  # noqa: DTZ001 - naive is the subject
        pa.array([b"x", None]),
        pa.array([[1], None]),
    ],
)
def test_of_a_type_that_rows_cannot_have_only_presence_is_checked(column: pa.Array) -> None:
    """Everything else does not fit."""
    rows = pa.table({"x": column})
    expectations: list[Expected] = [
        (NOT_NULL, {"column": "x"}),
        (BETWEEN, {"column": "x", "min_value": 0}),
        ("expect_column_values_to_be_unique", {"column": "x"}),
        ("expect_column_unique_value_count_to_be_between", {"column": "x", "min_value": 0}),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": "x"}),
        ("expect_column_max_to_be_between", {"column": "x", "min_value": 0}),
    ]
    misfit = "x: could not be checked, the type does not fit: x is of a type that is not supported"

    assert _sentences(rows, *expectations) == ["x: 1 of 2 rows is missing", *[misfit] * 5]


def test_others_see_the_rows_in_the_same_pass() -> None:
    """What the caller wants to know besides costs no second reading."""
    beside = Distinct("y", 3)
    rows = pa.table({"x": [1.0, 2.0, 3.0], "y": ["a", "b", "a"]})

    check(TableRows(rows), [(NOT_NULL, {"column": "x"})], beside=[beside])

    assert beside.count == 2


def test_every_supported_expectation_can_be_asked() -> None:
    """None of them stumbles over its own metric: each is met on rows made for it."""
    rows = pa.table({"a": [3.0, 4.0], "b": [1.0, 2.0], "text": ["ab", "cd"], "none": pa.array([None, None], pa.float64())})
    special: dict[str, dict[str, object]] = {
        "expect_column_values_to_be_null": {"column": "none"},
        "expect_column_values_to_be_in_set": {"column": "text", "value_set": ["ab", "cd"]},
        "expect_column_values_to_not_be_in_set": {"column": "a", "value_set": [-200]},
        "expect_column_values_to_match_regex": {"column": "text", "regex": "^[a-d]+$"},
        "expect_column_value_lengths_to_be_between": {"column": "text", "max_value": 2},
        "expect_compound_columns_to_be_unique": {"column_list": ["a", "b"]},
        "expect_table_row_count_to_be_between": {"min_value": 2},
        PAIR: {"column_A": "a", "column_B": "b"},
    }
    default = {name: {"column": "a"} | ({"min_value": 0} if kind.ranged else {}) for name, kind in SUPPORTED.items()}

    findings = check(TableRows(rows), list((default | special).items())).findings

    assert {finding.expectation: finding.success for finding in findings} == dict.fromkeys(SUPPORTED, True)
