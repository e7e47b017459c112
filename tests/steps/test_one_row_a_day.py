"""A night of one row: no drift test can speak, decay must. The data is no part of the project; without it the test is skipped."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.core.interval import Interval
from perennial.core.receipts import Action, Measurement, Publication, SignalState
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score

FILE = Path(os.environ.get("PERENNIAL_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data") / "uk_daily_flights.parquet"
DAY = timedelta(days=1)
FIRST = datetime(2020, 2, 24, tzinfo=UTC)
"""The first night that is watched."""

SHUTDOWN = date(2020, 3, 16)


@pytest.fixture
def flights(define: Callable[..., Definition]) -> Definition:
    """A model of weekdays alone, which learns from eight weeks and is judged on the four after them."""
    source = {"connection": "sky", "table": "flights", "entity": ["country"], "available_at": None}
    return define(
        name="flights",
        source=source,
        label={"column": "flights", "delay": "12h", "latest": None, "source": None},
        features={"numeric": None, "time": ["weekday"]},
        schedule={"start": "2019-01-02", "window": {"kind": "sliding", "length": "84d"}},
        estimator={
            "path": "perennial.learning.estimators:hist_gradient_boosting_regressor",
            "parameters": {"min_samples_leaf": 4, "loss": "absolute_error"},
        },
        expectations=[{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "country"}}],
        quality={"minimum_rows": 1},
        evaluation={"holdout": "28d", "gates": {"baseline": 0}},
        monitoring={"minimum_rows": 20},
        retraining={"cooldown": "30d"},
    )


def test_the_end_of_flying_is_noticed_within_a_week(
    flights: Definition,
    stores: Stores,
    tables: dict[str, pa.Table],
    retrained: Callable[[Definition, Stores, datetime], Publication],
) -> None:
    """Through extract, validate, predict, monitor and decide: one row a night, and the night's label half a day later."""
    if not FILE.exists():
        pytest.skip(f"there is no {FILE.name} in the folder of real data")
    days, counted = (pq.read_table(FILE)[name].to_numpy() for name in ("ts", "flights"))
    tables["flights"] = pa.table(
        {
            "country": pa.array(["UK"] * days.size),
            "event_at": pa.array(days.astype("datetime64[us]"), pa.timestamp("us", "UTC")),
            "flights": counted.astype(np.float64),
        }
    )
    assert retrained(flights, stores, FIRST).promoted
    alarm = None
    for number in range(40):
        night = Interval(FIRST + number * DAY, FIRST + (number + 1) * DAY)
        decision = score(flights, night, stores, as_of=night.end)
        measured = stores.ledger.get(Measurement, decision.measurement)
        drift = [signal for signal in measured.signals if signal.kind == "drift"]
        assert all(signal.state is SignalState.INSUFFICIENT for signal in drift)
        if decision.action is Action.RETRAIN:
            alarm = night.start.date()
            break
    assert alarm is not None
    assert timedelta(0) <= alarm - SHUTDOWN <= timedelta(days=7)
