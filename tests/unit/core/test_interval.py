"""Half-open intervals in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.errors import DataError
from perennial.core.interval import Interval, iso, moment, utc

DAY = Interval.parse("2024-03-01/2024-03-02")
MOMENTS = st.integers(0, 20_000 * 86_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_an_interval_takes_its_start_and_leaves_its_end_out() -> None:
    """So consecutive intervals hold every moment once."""
    assert DAY.start in DAY
    assert DAY.end not in DAY


def test_both_ends_are_moved_to_utc() -> None:
    """Whatever zone they were told in."""
    east = timezone(timedelta(hours=2))
    assert str(Interval(datetime(2024, 3, 1, 2, tzinfo=east), datetime(2024, 3, 2, 2, tzinfo=east))) == str(DAY)


@pytest.mark.parametrize("text", ["2024-03-01/2024-03-01", "2024-03-02/2024-03-01"])
def test_an_empty_or_reversed_interval_is_refused(text: str) -> None:
    """Zero length is a fault, not a night without rows."""
    with pytest.raises(DataError, match=r"^interval: must end after it starts, got .* \[INTERVAL_EMPTY\]$"):
        Interval.parse(text)


def test_a_naive_end_is_refused() -> None:
    """A moment without a timezone is none."""
    with pytest.raises(DataError) as caught:
        Interval(datetime(2024, 3, 1), DAY.end)  # noqa: DTZ001 - naive is what is tested
    assert str(caught.value) == "interval: must have a timezone, got 2024-03-01T00:00:00 [TIME_NAIVE]"


@pytest.mark.parametrize("text", ["", "yesterday/today", "2024-03-01", "2024-13-01/2024-13-02"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(DataError) as caught:
        Interval.parse(text)
    found = "" if text == "2024-03-01" else text.partition("/")[0]
    assert str(caught.value) == f"interval: must be ISO 8601, such as 2024-03-01T02:00Z, got {found!r} [RUN_NO_INTERVAL]"


def test_intervals_that_only_touch_do_not_overlap() -> None:
    """They share no moment."""
    following = Interval(DAY.end, DAY.end + timedelta(hours=1))
    assert not DAY.overlaps(following)
    assert DAY.overlaps(Interval(DAY.start, following.end))


@given(start=MOMENTS, hours=st.integers(1, 200), step=st.integers(1, 50))
def test_the_parts_of_a_split_make_up_the_whole(start: datetime, hours: int, step: int) -> None:
    """Without a gap, without an overlap, none longer than asked for."""
    whole = Interval(start, start + timedelta(hours=hours))
    parts = list(whole.split(timedelta(hours=step)))
    assert [part.start for part in parts] == [whole.start, *(part.end for part in parts[:-1])]
    assert parts[-1].end == whole.end
    assert max(part.length for part in parts) <= timedelta(hours=step)


@given(start=MOMENTS, length=st.timedeltas(timedelta(microseconds=1), timedelta(days=9)))
def test_an_interval_survives_its_text(start: datetime, length: timedelta) -> None:
    """Text is how intervals travel."""
    interval = Interval(start, start + length)
    assert Interval.parse(str(interval)) == interval


def test_moments_are_written_with_z() -> None:
    """One way to write one moment."""
    assert iso(utc(datetime(2024, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))))) == "2024-03-01T00:00:00Z"
    assert moment("2024-03-01T02:00+02:00") == moment("2024-03-01")
