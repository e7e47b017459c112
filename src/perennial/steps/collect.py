"""collect: remove what nothing names any more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from perennial.core.receipts import ALL, Receipt
from perennial.definition.models import Definition
from perennial.learning.codec import artifact_of
from perennial.learning.manifest import TITLE
from perennial.ports import Stores

GRACE = timedelta(days=1)


class Collected(Receipt):
    """What was removed, or would be."""

    artifacts: tuple[str, ...]
    predictions: int
    kept: int


def collect(definitions: Iterable[Definition], stores: Stores, *, now: datetime, dry: bool = False) -> Collected:
    """Remove artifacts that no row of the ledger leads to, and prediction rows older than their definition's retention.

    An artifact younger than a day is kept: its row may be about to be written.
    """
    reachable = set(_reachable(stores))
    stored = list(stores.artifacts.digests())
    orphans = tuple(sorted(digest for digest, stored_at in stored if digest not in reachable and stored_at < now - GRACE))
    expired = 0
    if not dry:
        for digest in orphans:
            stores.artifacts.delete(digest)
        for definition in definitions:
            if definition.publish.retention is not None:
                expired += stores.ledger.expire_predictions(definition.name, ALL, now - definition.publish.retention)
    return Collected(artifacts=orphans, predictions=expired, kept=len(stored) - len(orphans))


def _reachable(stores: Stores) -> Iterator[str]:
    """Yield every digest that a row names, and every digest that a manifest among them names."""
    for digest in stores.ledger.referenced():
        yield digest
        yield from _named_by(stores.artifacts.get(digest), stores.signing_key)


def _named_by(content: bytes, key: bytes) -> Iterator[str]:
    """Yield the digests in a snapshot's or a model's manifest; other artifacts name none."""
    if content.startswith(TITLE):
        yield artifact_of(content, key=key)
    elif content.startswith(b"{"):
        for part in json.loads(content).get("parts", {}).values():
            yield part["digest"]
