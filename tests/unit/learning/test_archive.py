"""The same bytes for the same content."""

from __future__ import annotations

import io
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import skops.io

from perennial.learning.archive import SCHEMA, checked_schema, nodes, normalised


def test_the_order_of_a_set_does_not_show() -> None:
    """0 and 8 share a place in a small set, so that the one that came first is told first."""
    first, second = {0, 8}, {8, 0}
    assert list(first) != list(second)
    assert normalised(skops.io.dumps(first)) == normalised(skops.io.dumps(second))


def test_the_order_of_a_dict_stays() -> None:
    """It is part of the content, as keys and their types are told apart by it."""
    assert list(skops.io.loads(normalised(skops.io.dumps({"b": 1, 2: "x", "a": 3})))) == ["b", 2, "a"]


def test_equal_arrays_are_stored_once() -> None:
    """They are named by what they hold."""
    content = normalised(skops.io.dumps([np.arange(5), np.arange(5), np.arange(6)]))
    with ZipFile(io.BytesIO(content)) as file:
        assert len(file.namelist()) == 3
        assert {member.compress_type for member in file.infolist()} == {ZIP_STORED}
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert [array.tolist() for array in skops.io.loads(content)] == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]]


def test_what_is_written_is_within_the_limits() -> None:
    """And its nodes are told from the outside in."""
    content = normalised(skops.io.dumps([np.arange(3), "x"]))
    assert [node["__loader__"] for node in nodes(checked_schema(content, "model"))] == ["ListNode", "NdArrayNode", "JsonNode"]
    assert SCHEMA.encode() in content
