"""A small definition, for tests in which something breaks."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.testing.story import FIRST_DAY

_RELATION = {"connection": "bikes", "entity": ["city"], "event_at": "event_at", "available_at": "available_at"}


@pytest.fixture
def document() -> dict[str, Any]:
    """The definition of a model of the simulated world that trains and scores in a moment, as it would be read from a file."""
    return {
        "name": "bikes_small",
        "title": "Bikes",
        "purpose": "Tests.",
        "owner": "tests",
        "kpi": {"name": "Rides", "approximation": "Closely."},
        "source": {**_RELATION, "table": "conditions"},
        "label": {"column": "rides", "delay": "24h", "latest": "7d", "source": {**_RELATION, "table": "rides"}},
        "features": {"numeric": ["temperature"], "time": ["hour", "weekday"]},
        "schedule": {
            "score": "0 0 * * *",
            "start": FIRST_DAY.date().isoformat(),
            "window": {"kind": "sliding", "length": "21d"},
        },
        "estimator": {"path": "perennial.learning.estimators:ridge_regressor"},
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "arguments": {"column": "temperature", "min_value": -25, "max_value": 35},
            },
            {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "rides"}, "on": "train"},
        ],
        "quality": {"tolerated": "5%", "tolerated_training": "50%", "minimum_rows": 20},
        "evaluation": {
            "metric": "mae",
            "holdout": "3d",
            "baseline": "mean",
            "gates": {"baseline": "1%", "champion": {"rule": "non_inferior", "margin": "50%"}},
        },
        "monitoring": {"minimum_rows": 12},
        "retraining": {"causes": ["decay"], "cooldown": "2d", "breaker": 6},
    }
