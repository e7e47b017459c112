"""What was made last is kept, as far as it is not too large together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from perennial.core.newest import Newest


@pytest.fixture
def newest() -> Newest[str, str]:
    """Texts of at most ten characters together."""
    return Newest(10, len)


def asked(newest: Newest[str, str], *values: str) -> list[str]:
    """Ask for values by their first character, and return which had to be made."""
    made: list[str] = []

    def make(value: str) -> str:
        made.append(value)
        return value

    assert [newest.get(value[0], lambda value=value: make(value)) for value in values] == list(values)  # type: ignore[misc]  # a default binds it
    return made


def test_what_was_asked_for_is_not_made_again(newest: Newest[str, str]) -> None:
    """By its key."""
    assert asked(newest, "aaaa", "bbbb", "aaaa", "bbbb") == ["aaaa", "bbbb"]


def test_what_was_asked_for_longest_ago_goes_first(newest: Newest[str, str]) -> None:
    """As many as it takes to make room."""
    assert asked(newest, "aaaa", "bbbb", "aaaa", "cccc") == ["aaaa", "bbbb", "cccc"]
    assert asked(newest, "aaaa", "cccc", "bbbb") == ["bbbb"]
    assert asked(newest, "ddddddddd", "aaaa") == ["ddddddddd", "aaaa"]


def test_what_is_too_large_by_itself_is_not_kept(newest: Newest[str, str]) -> None:
    """And drives nothing out."""
    assert asked(newest, "aaaa", "bbbbbbbbbbb", "aaaa", "bbbbbbbbbbb") == ["aaaa", "bbbbbbbbbbb", "bbbbbbbbbbb"]


def test_threads_that_make_the_same_at_once_count_it_once(newest: Newest[str, str]) -> None:
    """What is kept of it twice would be more than fits."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: newest.get(str(number % 2), lambda: "xxxxx"), range(400)))
    assert [newest.get(key, lambda: "made again") for key in "01"] == ["xxxxx", "xxxxx"]
