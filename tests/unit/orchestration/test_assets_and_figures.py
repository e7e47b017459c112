"""What other DAGs wait for, and what is counted, of each receipt."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.observability import stats

from perennial.core.receipts import ALL, Predicted, Publication, Purpose
from perennial.orchestration.assets import MODEL, PREDICTIONS, SNAPSHOT, asset, event
from perennial.orchestration.figures import measured, report
from perennial.testing.story import Story, night

STORY = Story()


def test_an_asset_is_named_after_its_model() -> None:
    """Whoever waits for it needs to know no more."""
    made = asset("bike_demand", PREDICTIONS)
    assert (made.name, made.uri) == ("bike_demand predictions", "perennial://bike_demand/predictions")


def test_predictions_are_an_event_with_their_night_and_batch() -> None:
    """Which is how a consumer finds them."""
    batch = STORY.batch(1)
    found = event(Predicted(model="bike_demand", interval=night(1), batches=(batch,), sentence="done"))
    assert found == (
        PREDICTIONS,
        {
            "segment": ALL,
            "interval_start": "2024-03-02T00:00:00Z",
            "interval_end": "2024-03-03T00:00:00Z",
            "batch": batch.id,
            "version": batch.version,
            "rows": batch.rows,
        },
    )


def test_what_was_not_made_is_no_event() -> None:
    """A night that was held back, a challenger that was refused."""
    refused = Publication(model="m", evaluation="e", promoted=False, champion="old", epoch=3, sentence="no")
    assert event(Predicted(model="bike_demand", interval=night(1), batches=(), sentence="held back")) is None
    assert event(refused) is None
    assert event(refused.model_copy(update={"promoted": True})) == (MODEL, {"segment": ALL, "version": "old", "epoch": 3})
    assert event(STORY.decision(1)) is None


def test_the_snapshot_of_a_night_is_an_event() -> None:
    """With its digest, never a row; that of a training window is the model's own business."""
    found = event(STORY.snapshot(1))
    assert found is not None
    assert (found[0], found[1]["digest"]) == (SNAPSHOT, STORY.snapshot(1).digest)
    assert event(STORY.snapshot(1, Purpose.TRAIN)) is None


def test_figures_have_names_and_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of model and segment; a decision is counted."""
    gauges: dict[str, Any] = {}
    counted: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(stats, "gauge", lambda name, value, tags: gauges.update({name: value, **tags}))
    monkeypatch.setattr(stats, "incr", lambda name, tags: counted.append((name, tags)))
    for receipt in (STORY.snapshot(1), STORY.validation(1), STORY.measurement(1), STORY.version(1), STORY.decision(1)):
        report(receipt)
    assert {"perennial.snapshot.rows", "perennial.validation.quarantined_rows", "perennial.training.rows"} < set(gauges)
    assert (gauges["model"], gauges["segment"]) == ("bike_demand", ALL)
    assert counted == [("perennial.decisions.keep", {"model": "bike_demand", "segment": ALL})]


def test_the_figures_of_a_measurement_are_the_worst_and_the_newest() -> None:
    """Of the champion's own."""
    measurement = STORY.measurement(1)
    worst = max(drift.psi for drift in measurement.drift if drift.psi is not None)
    assert dict(measured(measurement))["drift.worst_psi"] == worst
