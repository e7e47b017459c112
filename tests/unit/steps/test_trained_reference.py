"""The reference of a training, whose days may be cut."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from perennial.definition.models import Definition
from perennial.steps.trained_reference import SHORT_NIGHTS, trained_reference
from perennial.testing.story import day


@pytest.mark.parametrize(("cron", "nights"), [("0 * * * *", SHORT_NIGHTS), ("0 0 * * *", 50)])
def test_of_nights_shorter_than_a_day_the_newest_are_counted(small: dict[str, Any], cron: str, nights: int) -> None:
    """Of 1 200 hours six weeks; of fifty days all."""
    definition = Definition.model_validate(small | {"schedule": small["schedule"] | {"score": cron}})
    at = pa.array([day(0) + timedelta(hours=hour) for hour in range(1200)], pa.timestamp("us", "UTC"))
    numbers = pa.array([float(hour) for hour in range(1200)])
    rows = pa.table({"event_at": at, **dict.fromkeys(definition.features.numeric, numbers)})
    found = trained_reference(definition, rows)
    assert (len(found.nights), found.total.rows) == (nights, 1200 if nights == 50 else SHORT_NIGHTS)
    assert sorted(found.nights) == list(range(max(found.nights) - nights + 1, max(found.nights) + 1))
