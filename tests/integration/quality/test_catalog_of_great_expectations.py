"""The catalogue and Great Expectations' own classes take the same arguments."""

from __future__ import annotations

from types import ModuleType

import pytest

from perennial.quality.catalog import SUPPORTED

# What every expectation of Great Expectations takes besides, and Perennial decides itself.
OURS = {
    "id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "windows", "batch_id",
    "severity", "row_condition", "condition_parser", "library_metadata",
}  # fmt: skip


@pytest.mark.parametrize("name", SUPPORTED)
def test_the_catalogue_has_the_arguments_of_great_expectations(great_expectations: ModuleType, name: str) -> None:
    """Every supported expectation exists there, under our name, with our arguments, and speaks about rows if we say so."""
    theirs = getattr(great_expectations.expectations, name.title().replace("_", ""))
    supported = SUPPORTED[name]

    assert set(theirs.__fields__) - OURS == {*supported.required, *supported.optional}
    assert {field for field, found in theirs.__fields__.items() if found.required} <= set(supported.required)
    assert ("mostly" in theirs.__fields__) == supported.by_row
