"""The rows on which a version is tried before it takes over."""

from __future__ import annotations

import pyarrow as pa
import pytest

from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.steps.scoring.tonight import tonight
from perennial.testing.story import day, night


def lent(definition: Definition, stores: Stores) -> tuple[Interval, int]:
    """Return which rows are lent, and how many."""
    with tonight(definition, "all", stores) as (interval, rows):
        return interval, rows.num_rows


def test_before_there_is_a_night_it_is_the_newest_holdout(definition: Definition, championed: Stores) -> None:
    """The last three days with labels, but for the rows whose labels are late."""
    interval, rows = lent(definition, championed)
    assert (interval, 60 < rows <= 72) == (Interval(day(26), day(29)), True)


def test_before_there_is_anything_it_is_refused(definition: Definition, stores: Stores) -> None:
    """Nothing can be tried on nothing."""
    with pytest.raises(DataError, match=r"^bikes_small: nothing was scored or evaluated yet \[DATA_EMPTY\]$"):
        lent(definition, stores)


def test_it_is_the_newest_night_that_passes(definition: Definition, championed: Stores) -> None:
    """Whichever was scored last."""
    for number in (32, 31):
        score(definition, night(number), championed, as_of=day(33))
    assert lent(definition, championed) == (night(32), 24)


def test_a_night_is_what_its_last_validation_says(definition: Definition, championed: Stores, tables: dict[str, pa.Table]) -> None:
    """Rows that were found to be wrong later are no rows to try a version on, until they are repaired."""
    for number in (31, 32):
        score(definition, night(number), championed, as_of=day(33))
    good = tables["conditions"]
    at = good.column("event_at").to_pylist()
    tables["conditions"] = good.filter([moment not in night(32) or moment.hour < 6 for moment in at])
    score(definition, night(32), championed, as_of=day(34))
    assert lent(definition, championed) == (night(31), 24)
    tables["conditions"] = good
    score(definition, night(32), championed, as_of=day(35))
    assert lent(definition, championed) == (night(32), 24)
