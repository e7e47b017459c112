"""From outcomes to findings and refused rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perennial.core.receipts import Finding
from perennial.quality.findings import Outcome, conclude
from perennial.quality.marks import Marks

Expected = tuple[str, Mapping[str, object]]

MISSING: Expected = ("expect_column_values_to_not_be_null", {"column": "rides"})
UNIQUE: Expected = ("expect_compound_columns_to_be_unique", {"column_list": ["station", "event_at"]})
COUNT: Expected = ("expect_table_row_count_to_be_between", {"min_value": 20})


def _outcome(expected: Expected, *positions: int, success: bool = False, obstacle: str = "") -> Outcome:
    marks = Marks()
    marks.add_positions(np.array(positions, np.int64))
    return Outcome(*expected, success=success, marks=marks, obstacle=obstacle)


def test_a_row_that_several_expectations_refuse_stands_once_with_all_reasons() -> None:
    """Reasons come in the order of the expectations, rows by position."""
    checked = conclude([_outcome(MISSING, 1, 7), _outcome(UNIQUE, 0, 7)], rows=24)

    assert np.flatnonzero(checked.refused.mask(0, 24)).tolist() == [0, 1, 7]
    assert checked.refused.reasons(0, 24).to_pylist() == [
        ["station, event_at are not unique together"],
        ["rides is missing"],
        ["rides is missing", "station, event_at are not unique together"],
    ]
    assert checked.unmet == ()


def test_a_failed_table_expectation_refuses_no_row_and_is_unmet() -> None:
    """It is a fault of the table as a whole."""
    checked = conclude([_outcome(COUNT), _outcome(MISSING, success=True)], rows=3)
    finding = Finding(
        expectation="expect_table_row_count_to_be_between",
        success=False,
        rows=3,
        unexpected=0,
        sentence="the table: the row count 3 is below 20",
    )

    assert checked.findings[0] == finding
    assert checked.unmet == (finding,)
    assert len(checked.refused) == 0


def test_what_could_not_be_checked_is_unmet_even_if_it_speaks_about_rows() -> None:
    """Unchecked is never a pass."""
    checked = conclude([_outcome(MISSING, obstacle="there is no column rides")], rows=3)

    assert checked.unmet == (
        Finding(
            expectation="expect_column_values_to_not_be_null",
            column="rides",
            success=False,
            rows=3,
            unexpected=0,
            sentence="rides: could not be checked, there is no column rides",
        ),
    )


def test_no_outcome_makes_no_finding_and_refuses_nothing() -> None:
    """What that means is the caller's to say."""
    checked = conclude([], rows=3)

    assert (checked.findings, checked.unmet, len(checked.refused)) == ((), (), 0)
