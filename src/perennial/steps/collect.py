"""collect: remove what nothing names any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from perennial.core.receipts import Receipt
from perennial.definition.models import Definition
from perennial.learning.codec import artifact_of
from perennial.learning.manifest import TITLE
from perennial.ports import Stores
from perennial.steps.scratch import remove_leftovers
from perennial.steps.snapshots.parts import named_parts
from perennial.steps.unless_lost import unless_lost

GRACE = timedelta(days=1)


class Collected(Receipt):
    """What was removed, or would be."""

    artifacts: tuple[str, ...]
    predictions: int
    kept: int


def collect(definitions: Iterable[Definition], stores: Stores, *, now: datetime, dry: bool = False) -> Collected:
    """Remove artifacts that no row of the ledger leads to, and prediction rows older than their definition's retention.

    An artifact younger than a day is kept: its row may be about to be written. Whether it is, is asked again at its removal, for
    a run may store it anew in the meantime. Temporary folders that a killed process left go, too.
    """
    reachable = _reachable(stores)
    stored = list(stores.artifacts.digests())
    orphans = sorted(digest for digest, stored_at in stored if digest not in reachable and stored_at < now - GRACE)
    if not dry:
        orphans = [digest for digest in orphans if stores.artifacts.delete(digest, unless_stored_after=now - GRACE)]
        remove_leftovers(stores.scratch, now - GRACE)
    expire = stores.ledger.expired_predictions if dry else stores.ledger.expire_predictions
    expired = expire(
        {
            (definition.name, segment): now - definition.publish.retention
            for definition in definitions
            for segment in definition.segment_names
            if definition.publish.retention is not None
        }
    )
    return Collected(artifacts=tuple(orphans), predictions=expired, kept=len(stored) - len(orphans))


def _reachable(stores: Stores) -> set[str]:
    """Return every digest that a row names, and every digest that a manifest among them names."""
    named = stores.ledger.referenced()
    return named.union(*(_named_by(digest, stores) for digest in stores.ledger.manifests()))


def _named_by(manifest: str, stores: Stores) -> Iterator[str]:
    """Yield the digests that a snapshot's or a model's *manifest* names; none where it is lost, for then nobody can tell."""
    content = unless_lost(lambda: stores.artifacts.get(manifest))
    if content is None:
        return
    if content.startswith(TITLE):
        yield artifact_of(content)
    else:
        parts = named_parts(content)
        yield from (part.digest for part in (*parts.rows, *parts.labels))
