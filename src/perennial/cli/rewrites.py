"""Whether the source has said something else of what a snapshot holds, before it was taken or since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.core.receipts import Receipt, Skew, Snapshot

if TYPE_CHECKING:
    from perennial.ports import Ledger


class Rewrite(Receipt):
    """Two extracts of the same interval and cut-off differ: *later* from the one that *skew* names."""

    of: str
    snapshot: str
    later: str
    skew: Skew

    @property
    def row(self) -> tuple[str, str]:
        """What it is about, and what it says, as a row of a table."""
        when = "before" if self.snapshot == self.later else "since"
        return f"{self.of}, rewritten {when}", self.skew.sentence


def rewrites(ledger: Ledger, of: str, snapshot: str) -> list[Rewrite]:
    """Return how *snapshot* differs from the extract before it, and each later one from it; nothing where the source is steady.

    Args:
        ledger: Where the extracts are recorded.
        of: What the snapshot is to the reader, such as ``training_snapshot``.
        snapshot: Its digest.

    Raises:
        RejectedError: MODEL_UNKNOWN.
    """
    taken = ledger.get(Snapshot, snapshot)
    others = ledger.history(Snapshot, taken.model, taken.segment, within=taken.interval)
    return [
        Rewrite(of=of, snapshot=snapshot, later=other.digest, skew=other.skew)
        for other in others
        if other.skew is not None and snapshot in (other.digest, other.skew.earlier)
    ]
