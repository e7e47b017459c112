"""Retries follow the two kinds of error."""

from __future__ import annotations

import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, RejectedError, UnavailableError
from perennial.orchestration.retry import retry_policy, task_defaults


@pytest.mark.dags
@pytest.mark.parametrize(
    ("error", "action"),
    [
        (DataError(Code.DATA_EMPTY, "no rows"), "fail"),
        (RejectedError(Code.STORE_FULL, "full"), "fail"),
        (UnavailableError(Code.LEASE_HELD, "held"), "retry"),
        (OSError("anything else"), "default"),
    ],
)
def test_an_error_says_whether_it_is_tried_again(error: Exception, action: str) -> None:
    """Terminal errors fail at once, transient ones are retried, and what nobody foresaw is left to the task's own retries."""
    assert retry_policy().evaluate(error, 1, 4).action.value == action


@pytest.mark.dags
def test_every_task_has_retries_and_a_timeout() -> None:
    """Airflow's own defaults are none."""
    defaults = task_defaults("ops")

    assert (defaults["retries"], defaults["execution_timeout"].total_seconds()) == (4, 7200.0)
