"""One thread produces, another one consumes."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from itertools import count

import pytest

from perennial.steps.snapshots.overlap import overlapped


class BrokenError(Exception):
    """An error of the test's own."""


def numbers(closed: list[bool], *, end: int | None = None) -> Generator[int, None, None]:
    """Yield numbers, in the thread of the test, and note when they are closed."""
    try:
        for number in count():
            assert threading.current_thread() is threading.main_thread()
            if number == end:
                return
            yield number
    finally:
        closed.append(True)


def test_everything_is_consumed_in_order_by_another_thread() -> None:
    """The result is the consumer's."""

    def consume(items: Iterator[int]) -> tuple[list[int], bool]:
        return list(items), threading.current_thread() is threading.main_thread()

    closed: list[bool] = []
    assert overlapped(numbers(closed, end=1000), consume) == (list(range(1000)), False)
    assert closed == [True]


def test_both_are_at_work_at_once() -> None:
    """The producer goes on only when the consumer has begun, and the consumer ends only when the producer has gone on."""
    begun, gone_on = threading.Event(), threading.Event()

    def produce() -> Generator[int, None, None]:
        yield 0
        assert begun.wait(timeout=30)
        gone_on.set()
        yield 1

    def consume(items: Iterator[int]) -> list[int]:
        found = [next(items)]
        begun.set()
        assert gone_on.wait(timeout=30)
        return [*found, *items]

    assert overlapped(produce(), consume) == [0, 1]


def test_the_producer_does_not_run_ahead() -> None:
    """Memory is bounded: beside what is consumed at the moment, *ahead* items wait, and one is about to."""
    made: list[int] = []
    ahead = 2

    def produce() -> Generator[int, None, None]:
        for number in range(50):
            made.append(number)
            yield number

    def consume(items: Iterator[int]) -> int:
        return max(len(made) - taken for taken, _ in enumerate(items, start=1))

    assert overlapped(produce(), consume, ahead=ahead) <= ahead + 1


def test_an_error_of_the_consumer_ends_the_producer() -> None:
    """An endless source is closed, and no thread is left."""
    closed: list[bool] = []
    before = threading.active_count()

    def consume(items: Iterator[int]) -> None:
        next(items)
        raise BrokenError("the disk")

    with pytest.raises(BrokenError, match="the disk"):
        overlapped(numbers(closed), consume)
    assert (closed, threading.active_count()) == ([True], before)


def test_a_consumer_that_has_enough_ends_the_producer() -> None:
    """What it returned counts."""
    closed: list[bool] = []
    assert overlapped(numbers(closed), next) == 0
    assert closed == [True]


def test_an_error_of_the_producer_reaches_the_consumer_and_the_caller() -> None:
    """The consumer does not take what came so far for everything."""
    seen: list[object] = []
    before = threading.active_count()

    def produce() -> Generator[int, None, None]:
        yield 1
        raise BrokenError("the source")

    def consume(items: Iterator[int]) -> None:
        try:
            seen.extend(items)
            seen.append("all")
        except BrokenError as error:
            seen.append(str(error))
            raise

    with pytest.raises(BrokenError, match="the source"):
        overlapped(produce(), consume)
    assert (seen[-1], threading.active_count()) == ("the source", before)


def test_an_interruption_waits_for_the_consumer_to_clean_up() -> None:
    """Ctrl-C in the middle leaves neither a thread nor a half result."""
    cleaned: list[bool] = []

    def produce() -> Generator[int, None, None]:
        yield 1
        raise KeyboardInterrupt

    def consume(items: Iterator[int]) -> None:
        try:
            for _ in items:
                pass
        finally:
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt):
        overlapped(produce(), consume)
    assert cleaned == [True]
