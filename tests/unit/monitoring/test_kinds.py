"""What is counted of texts and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.core.errors import DataError
from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.kinds import CHARACTERS, CLASSES, measured
from perennial.monitoring.counting.profile import merge, profile
from perennial.monitoring.counting.reference import reference_profile
from perennial.monitoring.counting.zone import zone

NOON = datetime(2024, 3, 31, 12, tzinfo=UTC)


def of(measure: str, values: list[Any], timezone: str = "UTC") -> list[Any]:
    """Return *measure* of *values*, for events at noon of 2024-03-31."""
    rows = pa.table({"x": values, "event_at": pa.array([NOON] * len(values), pa.timestamp("us", tz="UTC"))})
    return list(measured(rows, "x", measure, event_at="event_at", timezone=timezone).to_pylist())


def test_the_length_of_a_text_is_its_characters() -> None:
    """Not its bytes; a sign that is put together of several counts as that many."""
    assert of("length", ["", "abc", "é", "\U0001f6b2", "\u0065\u0301", None]) == [0, 3, 1, 1, 2, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("  ", "blank"),
        ("007", "digits"),
        ("٣", "beyond ascii"),
        ("Ab", "letters"),
        ("A4", "letters and digits"),
        ("4\n", "ascii"),
        ("a-b", "ascii"),
        ("\x00", "ascii"),
        ("naïve", "beyond ascii"),
        ("\u00a0", "beyond ascii"),
        (None, None),
    ],
)
def test_a_text_has_one_class(text: str | None, expected: str | None) -> None:
    """The first that fits."""
    assert of("classes", [text, "x"]) == [expected, "letters"]


def class_of(text: str) -> str:
    """Return the class of a text: the same rule, said as sets of characters."""
    fits = [not text, *(bool(text) and set(text) <= set(known) for known in CHARACTERS[1:]), True]
    return CLASSES[fits.index(True)]


def test_the_class_is_what_the_characters_say() -> None:
    """In every text of up to three of the characters at the ends of the classes' ranges."""
    texts = ["".join(signs) for length in range(4) for signs in product(" 09azAZ~\x7f\x80", repeat=length)]
    assert of("classes", texts) == [class_of(text) for text in texts]


@settings(max_examples=25)  # of many texts each, as a table of one costs as much
@given(st.lists(st.text(max_size=5), min_size=1, max_size=20))
def test_any_text_has_the_class_that_its_characters_say(texts: list[str]) -> None:
    """In any script."""
    assert of("classes", texts) == [class_of(text) for text in texts]


def test_hours_and_weekdays_are_told_in_the_timezone() -> None:
    """On the night when clocks go forward there is no hour 2."""
    moments = [datetime(2024, 3, 31, hour, tzinfo=UTC) for hour in (0, 1)] + [datetime(2024, 3, 31, 23, tzinfo=UTC), None]
    assert of("hour", moments, "Europe/Berlin") == ["1", "3", "1", None]
    assert of("weekday", moments, "Europe/Berlin") == ["Sunday", "Sunday", "Monday", None]


def test_recency_is_the_age_at_the_event_in_days() -> None:
    """What lies after the event is negative."""
    assert of("recency", [NOON - timedelta(days=2, hours=6), NOON, NOON + timedelta(days=1), None]) == [2.25, 0.0, -1.0, None]


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/St_Johns", "Africa/Casablanca", "Australia/Lord_Howe", "UTC"])
def test_local_time_is_that_of_the_timezone(name: str) -> None:
    """At 2000 moments between 1900 and 2150, and at both sides of each change of clocks."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - the independent figure

    own = ZoneInfo(name)
    drawn = np.random.default_rng(1).integers(-2_200_000_000, 5_600_000_000, 2_000) * 1_000_000
    moments = np.concatenate([drawn, zone(name).starts, zone(name).starts - 1])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    local = [(epoch + timedelta(microseconds=int(at))).astimezone(own).replace(tzinfo=UTC) - epoch for at in moments]
    assert [at // timedelta(microseconds=1) for at in local] == zone(name).local(moments).tolist()


@pytest.mark.parametrize(
    ("kind", "values", "allowed"),
    [
        ("text", [1], "text"),
        ("timestamp", ["2024-03-01"], "a timestamp with a timezone"),
        ("timestamp", [NOON.replace(tzinfo=None)], "a timestamp with a timezone"),
    ],
)
def test_another_type_is_refused(kind: str, values: list[Any], allowed: str) -> None:
    """The message says the type, and no value."""
    rows = pa.table({"x": values, "event_at": pa.array([NOON], pa.timestamp("us", tz="UTC"))})
    with pytest.raises(DataError) as error:
        reference_profile(rows, watched={"x": kind}, nights=np.zeros(1, np.int64))
    assert str(error.value) == f"profile: x: must be {allowed}, got {rows.schema.field('x').type} [SCHEMA_TYPE]"


ROW = st.fixed_dictionaries(
    {
        "fee": st.none() | st.floats(width=64),
        "zone": st.none() | st.sampled_from("abc"),
        "paid": st.none() | st.booleans(),
        "note": st.none() | st.text(max_size=4),
        "paid_at": st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the timezone
    }
)
KINDS = {"fee": "numeric", "zone": "categorical", "paid": "boolean", "note": "text", "paid_at": "timestamp"}
SCHEMA = pa.schema(
    [
        ("fee", pa.float64()),
        ("zone", pa.string()),
        ("paid", pa.bool_()),
        ("note", pa.string()),
        ("paid_at", pa.timestamp("us", tz="UTC")),
        ("event_at", pa.timestamp("us", tz="UTC")),
    ]
)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return *rows* as a table, all of one event."""
    return pa.Table.from_pylist([{**row, "event_at": NOON} for row in rows], SCHEMA)


@given(st.lists(ROW, max_size=12), st.lists(ROW, max_size=8), st.lists(ROW, max_size=8))
def test_parts_of_every_kind_merge_to_the_whole_in_any_order(known: list[Any], a: list[Any], b: list[Any]) -> None:
    """Bit for bit: edges of any reference, rows of any sort."""
    nights = np.arange(len(known)) % 3
    edges = reference_profile(table(known), watched=KINDS, timezone="Europe/Berlin", nights=nights).edges
    whole, parts = profile(edges, table(a + b)), [profile(edges, table(part)) for part in (a, b)]
    assert merge(*parts).to_json() == merge(*reversed(parts)).to_json() == whole.to_json()
    assert {sum(column) for column in whole.counts.values()} == {len(a) + len(b)}


@given(st.lists(ROW, max_size=12))
def test_the_reference_counts_its_own_rows_as_later_nights_are_counted(known: list[Any]) -> None:
    """Only of a category's values that no other night held it says that they are unseen."""
    found = reference_profile(table(known), watched=KINDS, timezone="Europe/Berlin", nights=np.zeros(len(known), np.int64))
    again = profile(found.edges, table(known))
    numeric = [edges.name for edges in found.edges.columns if edges.kind == "numeric"]
    assert {name: again.counts[name] for name in numeric} == {name: found.total.counts[name] for name in numeric}


def test_measures_have_names_for_people() -> None:
    """The column, and what of it is counted."""
    found = reference_profile(table([]), watched=KINDS, nights=np.zeros(0, np.int64))
    expected = (
        "fee",
        "zone",
        "paid",
        "note (length)",
        "note (classes)",
        "paid_at (hour)",
        "paid_at (weekday)",
        "paid_at (recency)",
    )
    assert found.edges.names == expected
    assert found.edges.reads == ("fee", "zone", "paid", "note", "paid_at", "event_at")
    assert isinstance(found.edges, Edges)
