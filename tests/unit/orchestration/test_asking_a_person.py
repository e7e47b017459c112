"""What a person is asked about a challenger, and what becomes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.core.receipts import Verdict
from perennial.definition.models import Definition
from perennial.orchestration.approval import Answer, answer_of, approval, question, reasons
from perennial.testing.story import Story

ADDRESS = "http://airflow.example/base"


def asked(small: dict[str, Any], **publish: Any) -> Definition:
    """Return a definition that asks a person."""
    return Definition.model_validate({**small, "publish": {"approval": "human", **publish}})


def test_the_question_names_model_and_challenger(small: dict[str, Any]) -> None:
    """Between spaces, by which the page of the model finds it."""
    evaluation = Story().evaluation(2)
    assert question(asked(small), evaluation) == f"Bikes: make {evaluation.challenger} champion?"


def test_the_reasons_are_the_evaluation(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture, figures with intervals, gates, what the model looks at, and a link."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", ADDRESS)
    told = reasons(asked(small), Story().evaluation(2, champion="bikes_small-0a1b"))
    assert told.startswith("**It may become champion.**\n\nCompared with bikes_small-0a1b. ")
    assert f"]({ADDRESS}/perennial/models/bikes_small/all)" in told
    assert "](/base/perennial/models/bikes_small/all/versions/bike_demand-all-version-2/figure.svg)" in told
    assert "| mae | 0.3 | - | 0.3 |" in told
    assert "| baseline | pass | It is 12 % better than the baseline. |" in told
    assert "| temperature | ████████████████████ | 0.3 |" in told


def test_no_markup_comes_of_what_data_is_called(small: dict[str, Any]) -> None:
    """Neither HTML, nor a link, nor a template."""
    hostile = "<b>{{ var.value.secret }}</b> [x](http://evil.example)"
    told = reasons(asked(small), Story().evaluation(2).model_copy(update={"sentence": hostile}))
    assert "<b>" not in told
    assert "[x](" not in told


def test_the_task_takes_its_limits_from_the_definition(small: dict[str, Any]) -> None:
    """Who may answer, within what time, and what silence counts as."""
    operator: Any = approval(asked(small, approvers=["ana"], answer_within="3d", unanswered="approve"))
    found = (operator.assigned_users, operator.response_timeout.days, operator.defaults, list(operator.params))
    assert found == ([{"id": "ana", "name": "ana"}], 3, ["Approve"], ["comment"])
    patient: Any = approval(asked(small))
    assert (patient.assigned_users, patient.response_timeout, patient.defaults) == ([], None, None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"params_input": {"comment": " looks right "}}, Answer(Verdict.PASS, "ana", "looks right")),
        ({"params_input": {}}, Answer(Verdict.PASS, "ana", "in Airflow")),
        ({"chosen_options": ["Reject"], "params_input": {"comment": None}}, Answer(Verdict.FAIL, "ana", "in Airflow")),
        ({"responded_by_user": None}, Answer(Verdict.PASS, "airflow", "nobody answered within 3d")),
    ],
)
def test_an_answer_is_kept_with_its_person_and_reason(small: dict[str, Any], said: dict[str, Any], expected: Answer) -> None:
    """And where nobody answered, that stands there."""
    handed = {"chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "ana"}, "params_input": {}, **said}
    assert answer_of(asked(small, answer_within="3d"), handed) == expected
