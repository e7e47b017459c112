"""Counts in few bytes."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.errors import ArtifactError
from perennial.monitoring.counting.packed import packed, unpacked
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference, reference_profile


@given(st.lists(st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 300), max_size=6), max_size=4))
def test_what_is_packed_comes_out_again(arrays: list[list[int]]) -> None:
    """To the last count, of any size."""
    given_ = [np.array(array, dtype=np.int64) for array in arrays]
    assert [array.tolist() for array in unpacked(packed(given_), [array.shape for array in given_])] == arrays


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1:",
        "3:AA==",
        "12:AA==",
        "1:" + base64.b64encode(b"no zlib").decode(),
        packed([np.arange(4)]),
        packed([np.arange(2)]),
    ],
)
def test_something_else_is_refused(text: str) -> None:
    """Other bytes, and more or fewer than the shape says."""
    with pytest.raises(ValueError, match=r"must hold|zip\(\)|tuple\.index|invalid literal|not in tuple"):
        unpacked(text, [(3,)])


def test_a_bomb_is_not_blown_up() -> None:
    """A gigabyte of zeros where three bytes should be."""
    bomb = zlib.compressobj(9)
    content = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(64)) + bomb.flush()
    with pytest.raises(ValueError, match="must hold 3 bytes"):
        unpacked("1:" + base64.b64encode(content).decode(), [(3,)])


def test_a_profile_whose_counts_are_damaged_is_refused() -> None:
    """It says where, and no value."""
    content = Profile(edges="0" * 64, rows=3, counts={"x": (1, 2)}).to_json().replace(b'"x":2', b'"x":3')
    with pytest.raises(ArtifactError) as error:
        Profile.from_json(content)
    assert str(error.value) == "profile: must be a Profile of version 1, does not fit at counts [ARTIFACT_FORMAT]"


def reference() -> Reference:
    """Return 60 nights of 720 rows of 30 numbers and five columns of values, one of which has many."""
    rng, rows = np.random.default_rng(1), 60 * 720
    numbers = {f"x{i}": rng.normal(size=rows) for i in range(30)}
    values = {f"c{i}": pa.array(rng.integers(0, 10 * (i + 1), rows).astype(str)) for i in range(4)}
    table = pa.table({**numbers, **values, "many": pa.array(rng.integers(0, 10_000, rows).astype(str))})
    return reference_profile(table, numeric=numbers, categorical=[*values, "many"], nights=np.repeat(np.arange(60), 720))


def test_the_nights_of_a_reference_take_few_bytes() -> None:
    """35 columns and 60 nights: under 400 kB, half of it the 10 000 values' names and the cuts; a night under 6 kB."""
    found = reference()
    content = found.to_json()
    assert len(content) < 400_000
    assert len(found.nights[7].to_json()) < 6_000
    assert Reference.from_json(content) == found
    assert Reference.from_json(content).to_json() == content
