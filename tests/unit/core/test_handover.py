"""What one thread gives, another one takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from perennial.core.handover import Handover


@contextmanager
def giving(handover: Handover[int], count: int, said: list[bool]) -> Iterator[Event]:
    """Give numbers in a thread, note whether somebody was there for each, and lend what is set when one has been given."""
    given = Event()

    def give() -> None:
        for number in range(count):
            said.append(handover.give(number))
            given.set()
        handover.end()

    thread = Thread(target=give, daemon=True)
    thread.start()
    yield given
    thread.join(10)
    assert not thread.is_alive(), "the giver still waits"


def test_everything_is_taken_in_order() -> None:
    """More items than may lie ready; then it is over."""
    handover, said = Handover[int](2), list[bool]()
    with giving(handover, 50, said):
        assert list(handover.taken()) == list(range(50))
    assert (said, handover.over) == ([True] * 50, True)


def test_what_the_giver_raised_comes_after_what_it_gave() -> None:
    """The very error."""
    fault, seen = ValueError("broken"), list[int]()
    handover = Handover[int](2)
    handover.give(1)
    handover.end(fault)
    with pytest.raises(ValueError, match="broken") as error:
        seen.extend(handover.taken())
    assert (error.value, seen, handover.over) == (fault, [1], True)


def test_a_giver_that_waits_for_room_goes_on_when_the_taker_leaves() -> None:
    """And is told that nobody is there, then and afterwards."""
    handover, said = Handover[int](1), list[bool]()
    with giving(handover, 5, said) as given:
        assert given.wait(10)
        handover.leave()
    assert (said[0], said[2:], handover.over) == (True, [False] * 3, False)


def test_none_is_an_item_like_any_other() -> None:
    """Only the end is the end."""
    handover = Handover[None](2)
    handover.give(None)
    handover.end()
    assert list(handover.taken()) == [None]
