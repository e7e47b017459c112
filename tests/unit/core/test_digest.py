"""What is the same has the same digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.digest import canonical_json, digest_bytes, digest_file, digest_json

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_digest_is_sha256() -> None:
    """As published in FIPS 180-4."""
    assert digest_bytes(b"") == EMPTY


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    """Around the size of the chunks in which it is read."""
    content = b"p" * size
    (tmp_path / "f").write_bytes(content)
    assert digest_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=6))
def test_the_order_of_keys_does_not_count(value: dict[str, object]) -> None:
    """Equal mappings have equal digests."""
    assert digest_json(value) == digest_json(dict(reversed(value.items())))


def test_canonical_json_is_sorted_compact_and_utf8() -> None:
    """One text per value."""
    assert canonical_json({"b": [1, 2.5], "a": "ü"}) == '{"a":"ü","b":[1,2.5]}'.encode()


def test_nan_has_no_canonical_json() -> None:
    """It is no JSON, and equals nothing."""
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))
