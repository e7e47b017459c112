"""Sets of row positions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perennial.quality.marks import Marks
from perennial.quality.refused import Refused

runs = st.lists(st.tuples(st.integers(0, 200_000), st.lists(st.booleans(), max_size=20)), max_size=6)


def _marks(*positions: int) -> Marks:
    marks = Marks()
    marks.add_positions(np.array(positions, np.int64))
    return marks


@given(runs)
def test_marks_are_a_set_of_positions(added: list[tuple[int, list[bool]]]) -> None:
    """However they are added, and whichever rows are asked for."""
    marks = Marks()
    for start, mask in added:
        marks.add(start, np.array(mask, dtype=bool))
    expected = sorted({start + at for start, mask in added for at, marked in enumerate(mask) if marked})

    assert expected == np.flatnonzero(marks.mask(0, 200_100)).tolist()
    assert len(expected) == marks.count
    assert expected == np.flatnonzero(_marks(*reversed(expected), *expected).mask(0, 200_100)).tolist()


def test_marks_across_a_block_are_found_from_any_start() -> None:
    """Blocks have 65,536 rows."""
    marks = _marks(65_535, 65_536, 131_072)

    assert marks.mask(65_534, 4).tolist() == [False, True, True, False]
    assert marks.mask(131_000, 80).nonzero()[0].tolist() == [72]


def test_what_is_not_marked_takes_no_memory() -> None:
    """A hundred million rows without a fault."""
    marks = Marks()
    for start in range(0, 100_000_000, 10_000_000):
        marks.add(start, np.zeros(10_000_000, dtype=bool))

    assert marks._blocks == {}


def test_a_refused_row_has_each_reason_once_in_their_order() -> None:
    """Two expectations may say the same."""
    refused = Refused([("b", _marks(1, 7)), ("a", _marks(7)), ("b", _marks(7))]).and_for("c", _marks(0, 7))

    assert len(refused) == 3
    assert np.flatnonzero(refused.mask(0, 10)).tolist() == [0, 1, 7]
    assert refused.reasons(0, 10).to_pylist() == [["c"], ["b"], ["b", "a", "c"]]
    assert refused.reasons(2, 3).to_pylist() == []
    assert refused.mask(1, 2).tolist() == [True, False]


def test_what_is_refused_for_nothing_is_nothing() -> None:
    """Reasons without rows are left out."""
    refused = Refused([("a", Marks())])

    assert (len(refused), refused.reasons(0, 3).to_pylist()) == (0, [])
