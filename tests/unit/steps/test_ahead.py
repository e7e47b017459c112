"""Making the next item in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from perennial.steps.ahead import ahead


def test_items_come_in_their_order_and_are_made_in_one_other_thread() -> None:
    """The one who uses them does not wait for the next."""
    made: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            made.append(threading.get_ident())
            yield item

    with ahead(items()) as found:
        assert list(found) == list(range(20))
    assert len(set(made)) == 1
    assert threading.get_ident() not in made


def test_an_error_comes_where_its_item_would_have_come() -> None:
    """What was made before is used first, and no thread is left."""

    def items() -> Iterator[int]:
        yield 1
        raise LookupError("gone")

    before = threading.active_count()
    with ahead(items()) as found:
        assert next(found) == 1
        with pytest.raises(LookupError, match=r"^gone$"):
            next(found)
    assert threading.active_count() == before


def test_whoever_stops_early_leaves_no_thread() -> None:
    """At most one item more is made than was taken."""
    made: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            made.append(item)
            yield item

    before = threading.active_count()
    with ahead(items()) as found:
        assert next(found) == 0
    assert threading.active_count() == before
    assert len(made) <= 3
