"""Whether a source still says of a night what it said before."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack

from perennial.core.errors import ArtifactError
from perennial.core.receipts import Skew, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.snapshots.differences import Differences, differences
from perennial.steps.snapshots.parts import Part, parts_of
from perennial.steps.snapshots.stored_rows import StoredRows

_log = logging.getLogger(__name__)


def skew_of(definition: Definition, stores: Stores, snapshot: Snapshot) -> Skew | None:
    """Return how *snapshot* differs from the last one of the same interval, cut-off and purpose; None where there is none.

    Both are read side by side, in bounded memory; parts with which both begin alike are not read at all.
    """
    earlier = _earlier(stores, snapshot)
    if earlier is None or earlier.digest == snapshot.digest:
        return None
    try:
        was, now = (parts_of(stores.artifacts, digest) for digest in (earlier.digest, snapshot.digest))
        found = _differences(stores, was.rows, now.rows, (definition.source.event_at, *definition.source.entity))
        labels = _differences(stores, was.labels, now.labels, (definition.labels.event_at, *definition.labels.entity))
    except ArtifactError as error:
        _log.warning("%s %s cannot be compared with the snapshot of before: %s", snapshot.model, snapshot.interval, error)
        return None
    return _told(earlier.digest, [found, labels])


def _earlier(stores: Stores, snapshot: Snapshot) -> Snapshot | None:
    known = stores.ledger.history(Snapshot, snapshot.model, snapshot.segment, within=snapshot.interval)
    alike = (
        one
        for one in reversed(known)
        if (one.interval, one.as_of, one.purpose) == (snapshot.interval, snapshot.as_of, snapshot.purpose)
    )
    return next(alike, None)


def _differences(stores: Stores, earlier: Sequence[Part], later: Sequence[Part], key: Sequence[str]) -> Differences:
    alike = next((n for n, (old, new) in enumerate(zip(earlier, later, strict=False)) if old != new), min(len(earlier), len(later)))
    earlier, later = earlier[alike:], later[alike:]
    if not (earlier and later):
        return Differences(added=sum(part.rows for part in later), removed=sum(part.rows for part in earlier))
    with ExitStack() as lent:
        was, now = (StoredRows(stores.artifacts, lent, parts) for parts in (earlier, later))
        others = {field.name for field in {*was.schema} ^ {*now.schema}}
        shared = [name for name in now.schema.names if name not in others]
        if not {*key} <= {*shared}:
            return Differences(added=now.num_rows, removed=was.num_rows, columns=others)
        found = differences(was.batches(shared), now.batches(shared), key)
    found.columns |= others
    return found


def _told(earlier: str, found: Sequence[Differences]) -> Skew:
    added, removed, changed = (sum(getattr(one, name) for one in found) for name in ("added", "removed", "changed"))
    columns = tuple(sorted(set().union(*(one.columns for one in found))))
    sentence = f"the source gives other rows than before: {added} added, {removed} removed, {changed} changed"
    if columns:
        sentence += f" (in {', '.join(columns)})"
    return Skew(earlier=earlier, added=added, removed=removed, changed=changed, columns=columns, sentence=sentence)
