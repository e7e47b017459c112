"""Promise 13 for figures: a night's loss does not depend on the order in which the database adds."""

from __future__ import annotations

import pyarrow as pa
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import ALL
from perennial.ports import Ledger
from perennial.testing.story import Story, day, night

ERRORS = [0.1, 0.2, 0.3, 1e7, 0.7, 1e-7, 3.3] * 40


@pytest.mark.parametrize("errors", [ERRORS, ERRORS[::-1], sorted(ERRORS)], ids=["as they come", "backwards", "by size"])
def test_the_loss_of_a_night_is_the_same_in_any_order(ledger: Ledger, story: Story, errors: list[float]) -> None:
    """Two hundred and eighty errors of very different sizes, whose sums differ in their last digits."""
    story.keep_champion(ledger)
    story.keep_night(ledger, 0)
    entities, moments = (
        [f"{number:03}" for number in range(len(errors))],
        pa.array([day(0)] * len(errors), pa.timestamp("us", "UTC")),
    )
    predicted = pa.record_batch({"entity": entities, "event_at": moments, "prediction": [0.0] * len(errors)})
    labels = pa.record_batch({"entity": entities, "event_at": moments, "value": errors, "available_at": moments})
    ledger.publish(story.batch(0), [predicted])
    ledger.record_outcomes(story.model, ALL, [labels])
    within = Interval(day(0), night(0).end)
    [found] = ledger.losses(story.model, ALL, loss="absolute", within=within, as_of=day(9), matured_before=day(9))
    assert found.loss == 1428572.086
