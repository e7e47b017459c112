"""Expectations that are proposed from a history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perennial.quality.catalog import faults
from perennial.quality.check import check
from perennial.quality.portrait import Portrait
from perennial.quality.proposals import Proposal, proposals
from perennial.quality.rows import TableRows
from perennial.quality.scan import scan

BETWEEN = "expect_column_values_to_be_between"
TEMPERATURES = np.random.default_rng(3).normal(12, 6, 5_000).round(1)


def _proposed(values: Any, size: int = 700) -> list[Proposal]:
    portrait = Portrait("x")
    scan(TableRows(pa.table({"x": values}), size), [portrait])
    found = list(proposals(portrait))
    assert [faults(one.type, one.arguments) for one in found if one.type] == [[] for one in found if one.type]
    return found


def _range(values: Any) -> tuple[Any, Any, str]:
    [found] = [one for one in _proposed(values) if one.type == BETWEEN]
    return found.arguments["min_value"], found.arguments["max_value"], found.seen


def test_a_range_has_a_margin_and_says_what_was_seen() -> None:
    """A tenth of the width on each side, rounded outwards."""
    assert _range(pa.array([10.0, 20.0, 15.0])) == (9.0, 21.0, "seen from 10 to 20")


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([0.0, 10.0], (0.0, 11.0)),
        ([-10.0, 0.0], (-11.0, 0.0)),
        ([3, 3], (2, 4)),
        ([0, 100], (0, 110)),
        ([1e-5, 3e-5], (8e-6, 3.2e-5)),
    ],
)
def test_a_range_does_not_cross_zero_and_whole_numbers_stay_whole(values: list[float], ends: tuple[float, float]) -> None:
    """What was never negative is proposed to stay so."""
    found = _range(pa.array(values))[:2]

    assert found == ends
    assert [type(end) for end in found] == [type(values[0])] * 2


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ([-999.0] * 3, "; left out as suspicious: -999 (3 times)"),
        ([-999.0, 9999.0], "; left out as suspicious: -999 (1 times), 9999 (1 times)"),
        ([-9999.0, -999.0], "; left out as suspicious: -9999 (1 times), -999 (1 times)"),
        ([-273.15] * 2, "; left out as suspicious: -273.15 (2 times)"),
    ],
)
def test_what_is_hardly_a_measurement_is_left_out_and_told(odd: list[float], told: str) -> None:
    """A sentinel would make the range useless."""
    low, high, seen = _range(pa.array(np.concatenate([TEMPERATURES, odd])))

    assert -25 < low < TEMPERATURES.min() < TEMPERATURES.max() < high < 50
    assert seen.endswith(told)


def test_a_negative_sentinel_among_counts_is_left_out_however_near() -> None:
    """-1 for unknown, where all others are 0 or more."""
    assert _range(pa.array([*range(50), -1, -1])) == (0, 54, "seen from 0 to 49; left out as suspicious: -1 (2 times)")


def test_a_heavy_tail_is_not_suspicious() -> None:
    """Values that come nearer and nearer to each other are one distribution."""
    low, high, seen = _range(pa.array(np.random.default_rng(1).lognormal(0, 1, 5_000)))

    assert (low, "suspicious" in seen) == (0.0, False)
    assert high > 20


def test_few_texts_are_proposed_as_a_set_and_many_are_not() -> None:
    """A set of 21 texts is hardly one."""
    few, many = _proposed(pa.array(["b", "a"] * 50)), _proposed(pa.array([str(number % 21) for number in range(2_100)]))

    assert few[1] == Proposal(
        "expect_column_values_to_be_in_set", {"column": "x", "value_set": ["a", "b"]}, "2 different values stood in 100 rows"
    )
    assert [one.seen for one in many if not one.type] == ["x: too many different texts for a set"]


def test_presence_is_proposed_only_where_nothing_was_missing() -> None:
    """Else it is told how much was."""
    assert _proposed(pa.array([1.0, 2.0]))[0].type == "expect_column_values_to_not_be_null"
    assert _proposed(pa.array([1.0, None, float("nan"), 2.0]))[0].seen == "x: 2 of 4 values were missing (50.00%)"


def test_history_meets_what_it_suggests_but_for_what_is_suspicious() -> None:
    """Every proposal is checked on the rows that it came from."""
    values = pa.array(np.concatenate([TEMPERATURES, [-999.0]]))
    wanted = [(one.type, one.arguments) for one in _proposed(values)]

    refused = check(TableRows(pa.table({"x": values})), wanted).refused
    assert np.flatnonzero(refused.mask(0, len(values))).tolist() == [5_000]


def test_the_portrait_is_the_same_in_whatever_batches() -> None:
    """But for the sample, which decides on nothing here."""
    assert _proposed(pa.array(TEMPERATURES), 13) == _proposed(pa.array(TEMPERATURES), 5_000)
