"""Moments as text, and when their text sorts as they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.stores.sql.sqlite_moments import Writing

EXAMPLES = ["2024-03-01T00:00:00Z", "2024-03-01 00:00:00+00:00", "2024-03-01T05:30:00.125+05:30", "2024-03-01 00:00:00.000000Z"]
MOMENTS = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 - UTC comes with timezones


def written(text: str) -> Writing:
    """Return how *text* is written, which sorts."""
    found = Writing.of(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text", ["2024-03-01", "2024-03-01T00:00Z", "2024-03-01T00:00:00", "2024-03-01T00:00:00.0000001Z", "20240301T000000Z", "٢٠٢٤"]
)
def test_other_ways_to_write_are_not_known(text: str) -> None:
    """Without an offset, without seconds, with nanoseconds."""
    assert Writing.of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01T00:00:00.5Z",
        "2024-03-01 00:00:00Z",
        "2024-03-01T00:00:00+00:00",
        "2024-03-01T00:00:0oZ",
        "2024-03-01T00:00:00z",
        "2024-03-01T00:00:000",
        "",
    ],
)
def test_one_text_that_is_written_otherwise_is_found(text: str) -> None:
    """Among others that are alike, at either end of a slice."""
    alike = written("2024-03-01T00:00:00Z")
    same = ["2024-03-01T00:00:00Z", "1999-12-31T23:59:59Z"]
    texts = pa.array([text, *same, text])
    assert [alike.is_of_all(texts), alike.is_of_all(texts.slice(1, 2)), alike.is_of_all(texts.slice(1))] == [False, True, False]


@pytest.mark.parametrize("example", EXAMPLES)
@given(bound=MOMENTS, after=st.timedeltas(min_value=timedelta(seconds=-2), max_value=timedelta(seconds=2)))
def test_texts_compare_with_a_bound_as_moments_do(example: str, bound: datetime, after: timedelta) -> None:
    """To the microsecond, whatever can be written."""
    writing = written(example)
    zone = datetime.fromisoformat(example).tzinfo
    unit = timedelta(microseconds=10 ** (6 - writing.digits))
    at = bound + after
    at -= (at - datetime(1, 1, 1, tzinfo=UTC)) % unit
    text = writing.first_from(at)
    assert (datetime.fromisoformat(text), writing.is_of_all(pa.array([text]))) == (at.astimezone(zone), True)
    assert (text >= writing.first_from(bound)) == (at >= bound)
