"""Sizes of memory and short times, as a definition writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from perennial.definition.models import BudgetGate, Definition, Estimator


def said(build: Any, **given: object) -> str:
    """Return what is said of a value."""
    with pytest.raises(ValidationError) as caught:
        build.model_validate(given)
    [error] = caught.value.errors()
    return f"{error['msg']} [{error['ctx']['code']}]"


def test_sizes_and_times_are_read_and_written_in_their_units() -> None:
    """What is written is read as the same."""
    text = {"fit": "10m", "predict": "50ms", "memory": "2GiB", "beside_baseline": 100.0, "beside_champion": 2.0}
    budget = BudgetGate.model_validate(text)
    assert budget.fit == timedelta(minutes=10)
    assert budget.predict == timedelta(milliseconds=50)
    assert budget.memory == 2 << 30
    assert budget.model_dump(mode="json") == text


def test_a_definition_written_as_json_is_the_same_definition(small: dict[str, Any]) -> None:
    """As it is for a process of its own."""
    definition = Definition.model_validate({**small, "estimator": {**small["estimator"], "memory": "1536MiB", "time": "90s"}})
    again = Definition.model_validate(definition.model_dump(mode="json"))
    assert (again, again.digest) == (definition, definition.digest)
    assert definition.model_dump(mode="json")["estimator"]["memory"] == "1536MiB"
    assert definition.model_dump(mode="json")["estimator"]["time"] == "90s"


def test_memory_and_time_have_a_default_that_no_machine_changes() -> None:
    """The same definition is the same everywhere."""
    assert (Estimator().memory, Estimator().time) == (4 << 30, timedelta(hours=2))
    properties = Estimator.model_json_schema()["properties"]
    assert (properties["memory"]["default"], properties["time"]["default"]) == ("4GiB", "2h")


@pytest.mark.parametrize("value", ["2GB", "2", 2, "2 GiB", "-", "GiB", True, "1.5GiB"])
def test_what_is_no_size_is_refused(value: object) -> None:
    """A bare number could be anything."""
    assert said(Estimator, memory=value).startswith("must be a size such as 512MiB or 4GiB, got ")


def test_what_is_no_time_is_refused() -> None:
    """Also a size of none, and one without end."""
    assert said(BudgetGate, predict="50 ms") == "must be a time such as 50ms, 2s or 10m, got '50 ms' [DEFINITION_TYPE]"
    assert said(BudgetGate, predict="0ms") == (
        "must be a time such as 50ms, 2s or 10m, got '0ms'; its number must lie between 1 and 999999 [DEFINITION_RANGE]"
    )
    assert said(Estimator, memory="1000000MiB") == (
        "must be a size such as 512MiB or 4GiB, got '1000000MiB'; its number must lie between 1 and 999999 [DEFINITION_RANGE]"
    )
