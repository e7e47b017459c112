"""What a check found, as Great Expectations writes it: the JSON of its ExpectationSuiteValidationResult."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from perennial.core.interval import iso
from perennial.quality.catalog import SUPPORTED
from perennial.quality.findings import Checked, Outcome

Json = dict[str, object]

WRITTEN_AS = "1.24.1"
"""The version of Great Expectations whose format is written."""
_ABOUT_MISSING = {"expect_column_values_to_be_null", "expect_column_values_to_not_be_null"}


def to_great_expectations(checked: Checked, rows: int, *, suite: str, meta: Mapping[str, object]) -> Json:
    """Return what a check found in the shape in which Great Expectations writes its results.

    It has the counts and percentages of its summaries, and observed figures. The values of rows are left out: it can be kept where
    rows may not be, but for the least and greatest values, which are figures too.

    Args:
        checked: What was found.
        rows: How many rows were checked.
        suite: The name of the suite: the model's.
        meta: What else to say, in plain JSON types, under ``meta.perennial``.
    """
    results = [_result(outcome, rows) for outcome in checked.outcomes]
    met = sum(outcome.success for outcome in checked.outcomes)
    return {
        "success": met == len(results),
        "results": results,
        "suite_name": suite,
        "suite_parameters": {},
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": met / len(results) * 100 if results else None,
        },
        "meta": {"great_expectations_version": WRITTEN_AS, "perennial": dict(meta)},
        "id": None,
    }


def _result(outcome: Outcome, rows: int) -> Json:
    return {
        "success": outcome.success,
        "expectation_config": {
            "type": outcome.type,
            "kwargs": dict(outcome.arguments),
            "meta": {},
            "severity": "critical",
        },
        "result": {} if outcome.obstacle else _of_rows(outcome, rows) if SUPPORTED[outcome.type].by_row else _observed(outcome),
        "meta": {},
        "exception_info": {
            "raised_exception": bool(outcome.obstacle),
            "exception_traceback": None,
            "exception_message": outcome.obstacle or None,
        },
    }


def _of_rows(outcome: Outcome, rows: int) -> Json:
    unexpected = outcome.marks.count
    percent = _percent(unexpected, rows if outcome.type in _ABOUT_MISSING else outcome.considered)
    found: Json = {"element_count": rows, "unexpected_count": unexpected, "unexpected_percent": percent}
    if outcome.type not in _ABOUT_MISSING:
        missing = rows - outcome.considered
        found |= {
            "missing_count": missing,
            "missing_percent": _percent(missing, rows),
            "unexpected_percent_total": _percent(unexpected, rows),
            "unexpected_percent_nonmissing": percent,
        }
    return found


def _observed(outcome: Outcome) -> Json:
    if outcome.figure is None:
        return {}
    return {"observed_value": iso(outcome.figure) if isinstance(outcome.figure, datetime) else outcome.figure}


def _percent(part: int, whole: int) -> float | None:
    return part / whole * 100 if whole else None
