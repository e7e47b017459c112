"""Results as Great Expectations writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pyarrow as pa

from perennial.quality.check import Expected, check
from perennial.quality.export import to_great_expectations
from perennial.quality.rows import TableRows

AT = pa.array([datetime(2024, 3, 1, hour, tzinfo=UTC) for hour in range(4)], pa.timestamp("us", "UTC"))
ROWS = pa.table({"x": [1.0, None, -1.0, 4.0], "text": ["secret", "b", None, None], "at": AT})
EXPECTATIONS: list[Expected] = [
    ("expect_column_values_to_be_between", {"column": "x", "min_value": 0, "mostly": 0.5}),
    ("expect_column_values_to_not_be_null", {"column": "text"}),
    ("expect_column_values_to_match_regex", {"column": "text", "regex": "^.$"}),
    ("expect_column_mean_to_be_between", {"column": "x", "max_value": 1}),
    ("expect_column_max_to_be_between", {"column": "at", "min_value": "2024-03-01T00:00Z"}),
    ("expect_table_row_count_to_be_between", {"min_value": 4}),
    ("expect_column_to_exist", {"column": "x"}),
    ("expect_column_mean_to_be_between", {"column": "text", "min_value": 0}),
]


def _exported() -> Any:
    exported = to_great_expectations(check(TableRows(ROWS), EXPECTATIONS), 4, suite="bikes", meta={"id": "v1"})
    return json.loads(json.dumps(exported, allow_nan=False))


def test_great_expectations_reads_what_we_write(great_expectations: ModuleType) -> None:
    """With its own schema, into its own class; and what it writes of that is the same again."""
    schema = great_expectations.core.expectation_validation_result.expectationSuiteValidationResultSchema

    read = schema.load(_exported())

    assert isinstance(read, great_expectations.core.ExpectationSuiteValidationResult)
    assert (read.success, len(read.results), read.meta["perennial"]) == (False, 8, {"id": "v1"})
    assert read.to_json_dict()["results"] == _exported()["results"]
    assert read.statistics == {
        "evaluated_expectations": 8,
        "successful_expectations": 4,
        "unsuccessful_expectations": 4,
        "success_percent": 50.0,
    }


def test_the_results_are_those_that_great_expectations_writes_itself(great_expectations: ModuleType) -> None:
    """But for the values of rows, which are left out; so is what an exception said."""
    frame = ROWS.select(["x", "text", "at"]).to_pandas()
    asked = [_expectation(great_expectations, *one, place) for place, one in enumerate(EXPECTATIONS)]
    suite = great_expectations.ExpectationSuite(name="bikes", expectations=asked)
    context = great_expectations.get_context(mode="ephemeral")
    batch = context.data_sources.pandas_default.read_dataframe(frame)

    theirs = batch.validate(suite, result_format="SUMMARY").to_json_dict()["results"]

    theirs.sort(key=lambda result: result["expectation_config"]["meta"]["place"])
    ours = _exported()["results"]
    assert [(one["success"], _figures(one)) for one in ours[:-1]] == [(one["success"], _figures(one)) for one in theirs[:-1]]
    assert ours[-1]["exception_info"]["raised_exception"] is True
    assert ours[-1]["exception_info"]["exception_message"] == "the type does not fit: text is str"


def test_no_value_of_a_row_is_exported() -> None:
    """Counts and figures only."""
    assert "secret" not in json.dumps(_exported())


def _figures(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result says, without rows' values, and moments by the second."""
    told = {name: value for name, value in result["result"].items() if not name.startswith("partial_unexpected")}
    return {name: value[:19] if isinstance(value, str) else value for name, value in told.items()}


def _expectation(module: ModuleType, type_: str, arguments: Mapping[str, object], place: int) -> Any:
    return getattr(module.expectations, type_.title().replace("_", ""))(**arguments, meta={"place": place})
