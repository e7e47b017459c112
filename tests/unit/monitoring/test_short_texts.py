"""Short texts are found where they stand, and nothing else is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.monitoring.counting.short_texts import ShortTexts, words_of

SHORT = st.text(st.characters(codec="ascii"), max_size=9) | st.text(max_size=4)


def found(known: list[str], texts: list[str], kind: pa.DataType) -> list[int]:
    """Return the place of each text, of which the first stands at 7; nowhere where that cannot be told."""
    places = ShortTexts(pa.array(known, pa.large_string()), np.arange(7, 7 + len(known))).find(pa.array(texts, kind))
    return [-1] * len(texts) if places is None else list(places)


@given(st.lists(SHORT, max_size=60, unique=True), st.lists(SHORT, max_size=60), st.sampled_from([pa.string(), pa.large_string()]))
def test_a_known_text_is_found_at_its_place_or_not_at_all_and_an_unknown_one_never(
    known: list[str], texts: list[str], kind: pa.DataType
) -> None:
    """Also empty ones, those of 8 bytes, and those with zero bytes."""
    for text, place in zip([*texts, *known], found(known, [*texts, *known], kind), strict=True):
        assert place in ({-1, 7 + known.index(text)} if text in known else {-1})


@pytest.mark.parametrize("size", [1, 2, 300, 11_000])
@pytest.mark.parametrize("digits", ["", "04"])
def test_short_texts_without_zero_bytes_are_all_found(size: int, digits: str) -> None:
    """Of one length, and of several; with places for two known texts of many that differ."""
    known = [f"c-{number:{digits}}" for number in range(size)]
    assert [(7 + size - 1), *range(7, 7 + size), -1] == found(known, [known[-1], *known, "c-x"], pa.string())


def test_a_slice_is_read_from_where_it_begins() -> None:
    """Not from where its memory begins."""
    texts = pa.array(["a", "bb", "ccc", "dddd", "a"]).slice(1, 3)
    assert np.array_equal(words_of(texts), words_of(pa.array(["bb", "ccc", "dddd"])))  # type: ignore[arg-type] # neither is None


@pytest.mark.parametrize("texts", [["123456789"], ["a", "b\0"]])
def test_what_eight_bytes_cannot_tell_is_no_number(texts: list[str]) -> None:
    """A longer text; one that ends as an absent byte is written."""
    assert words_of(pa.array(texts)) is None
