"""A night whose predictions are not there in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DeadlineReference  # type: ignore[attr-defined]  # its stub lags behind

from perennial.definition.models import Definition
from perennial.orchestration.lateness import CALLBACK, deadline, missing, tell_late
from perennial.testing import MemoryLedger, Story
from perennial.testing.story import night, predictions


def promising(small: dict[str, Any]) -> Definition:
    """Return a definition with a promise."""
    return Definition.model_validate(
        {**small, "name": "bike_demand", "publish": {"ready_within": "3h"}, "messages": {"to": [{"arguments": {"to": "a@b"}}]}}
    )


def test_a_promise_is_a_deadline_of_the_run(small: dict[str, Any]) -> None:
    """From when it was queued: a backfill of an old night is in time."""
    made = deadline(promising(small))
    assert made is not None
    assert (made.interval, made.reference) == (timedelta(hours=3), DeadlineReference.DAGRUN_QUEUED_AT)
    assert (made.callback.path, made.callback.kwargs) == (CALLBACK, {"model": "bike_demand"})
    assert f"{tell_late.__module__}.{tell_late.__qualname__}" == CALLBACK
    assert deadline(Definition.model_validate(small)) is None


def test_what_is_there_is_not_late(small: dict[str, Any]) -> None:
    """However long the other tasks of the run take."""
    ledger, story, definition = MemoryLedger(), Story(), promising(small)
    story.keep_champion(ledger)
    story.keep_night(ledger, 1)
    assert missing(definition, night(1), ledger) == ["all"]
    ledger.publish(story.batch(1), predictions(night(1)))
    assert missing(definition, night(1), ledger) == []
