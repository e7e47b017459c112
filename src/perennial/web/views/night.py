"""One night: what was decided and why, what would have changed it, what was refused, and where it ran."""

from __future__ import annotations

from perennial.core.receipts import Receipt
from perennial.steps.checking.refusals import Refusals
from perennial.steps.explain import Explanation


class NightView(Receipt):
    """A night. *refused* is None where its quarantine is lost, as *remark* says. *run* and *retrain_run* are Airflow's."""

    explanation: Explanation
    refused: Refusals | None
    remark: str | None
    run: str | None
    retrain_run: str | None
