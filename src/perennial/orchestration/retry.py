"""How often and how long a task is tried: our two kinds of error decide, not a guess."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from perennial.core.errors import TerminalError, TransientError

RETRIES = 4
FIRST_DELAY = timedelta(seconds=15)
LONGEST_DELAY = timedelta(minutes=10)
TIMEOUT = timedelta(hours=2)


def retry_policy() -> ExceptionRetryPolicy:
    """Return the policy: a terminal error fails at once, a transient one is retried, and what nobody foresaw is retried too."""
    return ExceptionRetryPolicy(
        rules=[
            RetryRule(exception=TerminalError, action=RetryAction.FAIL, reason="a retry cannot help"),
            RetryRule(exception=TransientError, action=RetryAction.RETRY, reason="a retry may help"),
        ],
        default=RetryAction.DEFAULT,
    )


def task_defaults(owner: str, *, segments: int = 1) -> dict[str, Any]:
    """Return ``default_args`` for every task of a DAG: 4 retries after 15, 30, 60 and 120 s, and 2 hours for each attempt.

    A task that works through several *segments*, one after another, has as much time for each.
    """
    return {
        "owner": owner,
        "retries": RETRIES,
        "retry_delay": FIRST_DELAY,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": LONGEST_DELAY,
        "execution_timeout": TIMEOUT * segments,
        "retry_policy": retry_policy(),
    }
