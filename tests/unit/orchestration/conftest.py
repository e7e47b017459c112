"""The model of these tests, as read from a file."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def bikes() -> dict[str, Any]:
    """A model of bikes, scored at two every night, with a cooldown of a week."""
    return {
        "name": "bikes",
        "title": "Bikes",
        "purpose": "Where to put them.",
        "owner": "ops",
        "kpi": {"name": "empty stations", "approximation": "mae"},
        "source": {"connection": "bikes", "table": "demand", "entity": ["station"]},
        "label": {"column": "trips", "delay": "7d"},
        "features": {"numeric": ["temperature"]},
        "schedule": {"score": "0 2 * * *", "start": "2024-01-01", "window": {"kind": "sliding", "length": "60d"}},
        "expectations": [{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "temperature"}}],
        "evaluation": {"metric": "mae", "holdout": "14d"},
        "retraining": {"cooldown": "7d"},
    }
