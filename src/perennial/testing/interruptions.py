"""Stores to which something happens at one of a step's calls: an error, a killed session, somebody else who comes in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.ports import Artifacts, Ledger, Stores


def go_away() -> None:
    """Fail as a store does that cannot be reached.

    Raises:
        UnavailableError: STORE_UNAVAILABLE.
    """
    raise UnavailableError(Code.STORE_UNAVAILABLE, "was interrupted", where="store")


@dataclass(slots=True)
class Interruption:
    """What happens at which call to the ledger or to the artifacts.

    Attributes:
        at: At which call, from 1.
        after: Whether the call is done before it happens: then its answer is lost, where *happens* raises.
        for_good: Whether it happens at every later call, too, before that is done.
        happens: What happens.
        calls: How many calls there were.

    Examples:
        >>> interruption = Interruption(at=2)
        >>> [interruption.call(len, "ab") for _ in range(1)]
        [2]
        >>> interruption.struck
        False
    """

    at: int
    after: bool = False
    for_good: bool = False
    happens: Callable[[], None] = go_away
    calls: int = field(default=0, init=False)

    @property
    def struck(self) -> bool:
        """Whether it happened already."""
        return self.calls >= self.at

    def call(self, function: Callable[..., Any], *args: object, **named: object) -> Any:  # noqa: ANN401 - whatever the call returns
        """Do the call, or let happen what happens."""
        self.calls += 1
        if self.calls == self.at and self.after:
            answer = function(*args, **named)
            self.happens()
            return answer
        if self.calls == self.at or (self.struck and self.for_good):
            self.happens()
        return function(*args, **named)


def interrupted(stores: Stores, interruption: Interruption) -> Stores:
    """Return *stores* whose ledger and artifacts count their calls together, and to which *interruption* happens."""
    return replace(
        stores,
        ledger=cast("Ledger", _Counted(stores.ledger, interruption)),
        artifacts=cast("Artifacts", _Counted(stores.artifacts, interruption)),
    )


class _Counted:
    """A store whose every method is a call; a lease lends another such ledger."""

    def __init__(self, store: object, interruption: Interruption) -> None:
        self._store, self._interruption = store, interruption

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        counted = partial(self._interruption.call, getattr(self._store, name))
        return partial(_lent, counted, self._interruption) if name == "lease" else counted


@contextmanager
def _lent(
    lease: Callable[..., AbstractContextManager[object]], interruption: Interruption, *args: object, **named: object
) -> Iterator[_Counted]:
    with lease(*args, **named) as ledger:
        yield _Counted(ledger, interruption)
