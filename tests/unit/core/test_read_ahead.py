"""Reading one step ahead in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator
from threading import Event

import pytest

from perennial.core.read_ahead import read_ahead


def never() -> None:
    """Fail: nothing was to be cancelled."""
    raise AssertionError


def readers() -> list[str]:
    """Return the threads that read ahead."""
    return [thread.name for thread in threading.enumerate() if thread.name == "read ahead"]


def test_items_are_made_in_one_other_thread() -> None:
    """Whoever uses them does not wait for the next."""
    made = list(read_ahead(threading.get_ident() for _ in range(20)))
    assert (len(made), len(set(made)), threading.get_ident() in made) == (20, 1, False)


def test_all_items_come_in_their_order() -> None:
    """Also where there are more of them than may lie ready."""
    assert list(read_ahead((number for number in range(50)), cancel=never)) == list(range(50))


def test_an_error_is_raised_after_the_items_before_it() -> None:
    """It is the very error, in the reader's thread."""
    fault = ValueError("broken")

    def items() -> Generator[int]:
        yield 1
        raise fault

    ahead = read_ahead(items(), cancel=never)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken") as error:
        next(ahead)
    assert (error.value, readers()) == (fault, [])


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_no_more_is_made_than_may_lie_ready(depth: int) -> None:
    """What nobody asks for is not made: beside what lies ready, one that waits for room."""
    made: list[int] = []
    full = Event()

    def items() -> Generator[int]:
        for number in range(100):
            made.append(number)
            if number == depth + 1:
                full.set()
            yield number

    ahead = read_ahead(items(), cancel=lambda: None, depth=depth)
    assert next(ahead) == 0
    assert full.wait(10)
    assert len(made) == depth + 2
    ahead.close()
    assert len(made) == depth + 2


def test_a_reader_that_stops_ends_the_thread_and_closes_the_items() -> None:
    """Nothing goes on behind its back."""
    closed = Event()

    def items() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    ahead = read_ahead(items(), cancel=lambda: None)
    next(ahead)
    ahead.close()
    assert (closed.is_set(), readers()) == (True, [])


def test_a_reader_that_stops_cancels_what_waits() -> None:
    """The thread waits for a server that would take forever."""
    waits, cancelled = Event(), Event()

    def items() -> Generator[int]:
        yield 1
        waits.set()
        cancelled.wait()

    ahead = read_ahead(items(), cancel=cancelled.set)
    assert next(ahead) == 1
    assert waits.wait(10)
    ahead.close()
    assert cancelled.is_set()


def test_a_reader_that_stops_cancels_what_waits_behind_items_that_lie_ready() -> None:
    """Nobody will take these, and the wait would not end by itself."""
    waits, cancelled = Event(), Event()

    def items() -> Generator[int]:
        yield from (1, 2)
        waits.set()
        cancelled.wait(10)

    ahead = read_ahead(items(), cancel=cancelled.set)
    assert next(ahead) == 1
    assert waits.wait(10)
    ahead.close()
    assert cancelled.is_set()
