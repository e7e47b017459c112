"""audit: whether the promises hold, by every row of the ledger and every artifact that a row leads to."""

from __future__ import annotations

from perennial.core.receipts import Audit, Fault
from perennial.ports import Stores
from perennial.steps.named_artifacts import NamedArtifacts

__all__ = ["Fault", "audit", "look"]


def audit(stores: Stores, *, deep: bool = True) -> list[Fault]:
    """Return every promise that does not hold, and where; nothing where all do. See :func:`look`."""
    return list(look(stores, deep=deep).faults)


def look(stores: Stores, *, deep: bool = True) -> Audit:
    """Look at the whole ledger as it stands at this moment, then at every artifact that it leads to. Nothing is changed.

    It may run beside the loop: bytes are stored before the row that names them, and what a row names is never collected.

    Args:
        stores: What to look at.
        deep: Read every artifact and compare its digest. Otherwise only manifests and the models of champions are read, and the
            others only have to be there.

    Raises:
        RejectedError: SETTING_MISSING, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE, a store cannot be read, so nobody can say what it holds.
    """
    ledger = stores.ledger.audit()
    artifacts = NamedArtifacts(stores, deep=deep)
    faults = list(artifacts.faults(stores.ledger.named()))
    return ledger.model_copy(update={"artifacts": artifacts.seen, "faults": (*ledger.faults, *faults)})
