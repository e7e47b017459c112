"""Receipts that were made once, under a key of all that they depend on beside what all policies have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from perennial import __version__
from perennial.backtest.policies import learning_part
from perennial.backtest.shelf import Shelf
from perennial.core.digest import digest_bytes, digest_json
from perennial.core.receipts import Receipt
from perennial.definition.models import Definition
from perennial.learning.manifest import versions
from perennial.ports import Ledger, Stores

R = TypeVar("R", bound=Receipt)


@dataclass(frozen=True, slots=True)
class Memo:
    """A shelf, and the digest of what is the same under all policies: data, definition, code, libraries, the signing key."""

    shelf: Shelf
    common: str

    @classmethod
    def of(cls, definition: Definition, history: str, shelf: Shelf, signing_key: bytes) -> Memo:
        """Return the memo of a definition over a *history*, by its digest."""
        part = learning_part(definition.model_dump(mode="json"))
        return cls(shelf, digest_json([part, history, __version__, versions(), digest_bytes(b"backtest" + signing_key)]))

    def key(self, step: str, *parts: object) -> str:
        """Return the key of what a *step* makes of *parts*, in JSON types."""
        return digest_json([self.common, step, *parts])

    def once(
        self,
        kind: type[R],
        key: str,
        make: Callable[[Stores], R],
        stores: Stores,
        needed: Callable[[R], Iterable[str | None]] = lambda _: (),
    ) -> R:
        """Return the receipt of a *kind* under *key*; where there is none, *make* it without recording it.

        Args:
            kind: What it is.
            key: From :meth:`key`.
            make: Makes it with stores whose ledger records no receipt.
            stores: Of the policy that asks first.
            needed: Yields the artifacts that it names; each is there when the next one is asked for.
        """
        content = self.shelf.once(
            key,
            lambda: make(drafting(stores)).model_dump_json().encode(),
            lambda found: (digest for digest in needed(kind.model_validate_json(found)) if digest is not None),
        )
        return kind.model_validate_json(content)


def drafting(stores: Stores) -> Stores:
    """Return the same stores with a ledger that is read as it is, and records no receipt."""
    return replace(stores, ledger=cast("Ledger", _Draft(stores.ledger)))


class _Draft:
    """A ledger that is read as it is, and records no receipt."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the ledger has
        return getattr(self._ledger, name)

    def record(self, receipt: R) -> R:
        """Return the receipt as it is."""
        return receipt
