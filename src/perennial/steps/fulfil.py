"""A retraining as it was assigned, outside Airflow, and what becomes of its request."""

from __future__ import annotations

from contextlib import suppress

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, TerminalError
from perennial.core.receipts import Publication, RequestState
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import Assignment
from perennial.steps.loop import STEPS, Steps, retrain


def fulfil(
    definition: Definition, job: Assignment, stores: Stores, *, claimed_by: str, actor: str, steps: Steps = STEPS
) -> Publication:
    """Retrain, and settle the request: also when it cannot be done. What was interrupted goes back into the queue.

    Whoever lost its lease leaves the request to its successor.
    """
    settle = stores.ledger.settle_request
    try:
        publication = retrain(
            definition,
            job.interval,
            stores,
            reason=job.reason,
            actor=actor,
            as_of=job.as_of,
            request=job.request,
            segment=job.segment,
            steps=steps,
        )
    except TerminalError as error:
        if error.code is not Code.LEASE_LOST:
            settle(job.request, str(error), claimed_by=claimed_by)
        raise
    except BaseException as error:
        with suppress(PerennialError):
            said = str(error) if isinstance(error, PerennialError) else f"interrupted by {type(error).__name__}"
            settle(job.request, said, RequestState.OPEN, claimed_by=claimed_by)
        raise
    settle(job.request, publication.sentence, claimed_by=claimed_by)
    return publication
