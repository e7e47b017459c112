"""Predictions in the order of their index, as far as fits into memory."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.stores.ledger import sorted_runs as module
from perennial.stores.ledger.sorted_runs import sorted_runs


def batch(*rows: tuple[str, int]) -> pa.RecordBatch:
    """Return rows of an entity and a number."""
    entities, ats = pa.array([entity for entity, _ in rows], pa.string()), pa.array([at for _, at in rows], pa.int64())
    return pa.record_batch([entities, ats], ["entity", "at"])


def rows_of(part: pa.RecordBatch) -> list[tuple[str, int]]:
    """Return the rows of a record batch."""
    return list(zip(part["entity"].to_pylist(), part["at"].to_pylist(), strict=True))


def test_a_run_is_in_the_order_of_entity_and_time() -> None:
    """Texts by their bytes, as the index has them."""
    hours = [batch(("b", 1), ("a", 1), ("ä", 1), ("B", 1)), batch(("ä", 2), ("a", 2))]
    (run,) = sorted_runs(hours)
    assert rows_of(run) == [("B", 1), ("a", 1), ("a", 2), ("b", 1), ("ä", 1), ("ä", 2)]


def test_a_run_ends_with_the_batch_that_fills_it() -> None:
    """So that memory is bounded however many rows there are."""
    runs = list(sorted_runs([batch(("b", 1)), batch(("a", 2)), batch(("a", 3))], rows=2))
    assert [rows_of(run) for run in runs] == [[("a", 2), ("b", 1)], [("a", 3)]]


def test_a_run_of_long_texts_ends_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts bytes too."""
    monkeypatch.setattr(module, "BYTES", 2000)
    runs = list(sorted_runs([batch(("x" * 1000, at)) for at in range(4)]))
    assert [run.num_rows for run in runs] == [2, 2]


@given(st.lists(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 99)), max_size=5), max_size=6), st.integers(1, 8))
def test_every_row_comes_out_once_and_ties_stay_in_order(parts: list[list[tuple[str, int]]], rows: int) -> None:
    """Whatever the batches."""
    found = [rows_of(run) for run in sorted_runs([batch(*part) for part in parts], rows=rows)]
    assert sorted(row for run in found for row in run) == sorted(row for part in parts for row in part)
    given_rows = [row for part in parts for row in part]
    taken = 0
    for run in found:
        assert run == sorted(given_rows[taken : taken + len(run)], key=lambda row: row[0].encode())
        taken += len(run)


@pytest.mark.parametrize("entities", [2**16 - 1, 2**16, 70_000])
def test_many_entities_are_sorted_as_few_are(entities: int) -> None:
    """Whether their ranks fit into 16 bits or not; each has two rows, whose order stays."""
    texts = [f"{number * 7919 % entities:06d}" for number in range(entities)]
    parts = list(sorted_runs([batch(*((text, at) for text in texts)) for at in range(2)]))
    assert [row for part in parts for row in rows_of(part)] == [(text, at) for text in sorted(texts) for at in range(2)]


def test_a_run_comes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first can travel while the others are made."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    parts = list(sorted_runs([batch(("b", 1), ("c", 1)), batch(("a", 2))]))
    assert [rows_of(part) for part in parts] == [[("a", 2), ("b", 1)], [("c", 1)]]
