"""The forms for a run by hand: what Airflow refuses before there is a run."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowException

from perennial.definition.models import Definition
from perennial.orchestration.describe import doc, retrain_params, score_params

SEGMENTS = {"column": "city", "values": {"north": "North", "south": "South"}}


def forms(small: dict[str, Any]) -> dict[str, Param]:
    """Return every field of both forms of a model with segments."""
    definition = Definition.model_validate({**small, "segments": SEGMENTS})
    return {**score_params(definition), **retrain_params(definition)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval_start", "yesterday"),
        ("interval_end", "2024-04-31T00:00:00Z"),
        ("as_of", "2024-04-01"),
        ("segment", "west"),
        ("reason", ""),
        ("force", "yes"),
        ("request", "the last one"),
    ],
)
def test_a_wrong_value_is_refused(small: dict[str, Any], field: str, value: str) -> None:
    """By the field itself, so that no run comes of it."""
    with pytest.raises((AirflowException, ValueError), match=r"."):
        forms(small)[field].resolve(value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval_start", "2024-04-01T00:00:00+02:00"),
        ("as_of", None),
        ("segment", "south"),
        ("segment", "all"),
        ("request", "waiting"),
        ("request", "0123456789abcdef" * 2),
    ],
)
def test_a_right_value_is_taken(small: dict[str, Any], field: str, value: str | None) -> None:
    """As it is."""
    assert forms(small)[field].resolve(value) == value


def test_every_field_says_what_it_is_for(small: dict[str, Any]) -> None:
    """It has a title, a description and a section, and a default that passes."""
    for name, field in forms(small).items():
        assert field.schema["title"], name
        assert field.schema["section"], name
        assert field.description, name
        field.resolve()


def test_the_form_tells_what_the_definition_says(small: dict[str, Any]) -> None:
    """Where a field is left empty, and what force goes against."""
    fields = retrain_params(Definition.model_validate(small))
    assert "Empty: the last 21d." in str(fields["interval_start"].description)
    assert "the cooldown, 2d, has not passed" in str(fields["force"].description)


@pytest.mark.parametrize(
    ("publish", "expected"),
    [
        ({}, "automatic"),
        ({"approval": "human"}, "human"),
        ({"approval": "human", "approvers": ["ana", "ben"], "answer_within": "3d"}, "human by ana, ben, within 3d, else rejected"),
    ],
)
def test_the_page_of_a_dag_says_who_answers(small: dict[str, Any], publish: dict[str, Any], expected: str) -> None:
    """And by when."""
    assert f"| Approval | {expected} |" in doc(Definition.model_validate({**small, "publish": publish}))
