"""A validation told once more, with its figures: from the snapshot, which never changes. Nothing is recorded."""

from __future__ import annotations

from perennial.core.receipts import Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality.check import check
from perennial.quality.export import to_great_expectations
from perennial.steps.snapshots.rows import open_rows
from perennial.steps.validate import OWN, expected


def recheck(definition: Definition, stores: Stores, validation: Validation) -> dict[str, object]:
    """Return a validation as Great Expectations writes its results.

    The definition's expectations of today are checked on the snapshot of then; ``meta.perennial`` says which, and holds the verdict
    and the findings of then that Great Expectations knows nothing of.

    Raises:
        DataError: DATA_UNCHECKED, no expectation applies to this snapshot any more.
        ArtifactError: ARTIFACT_MISSING, the snapshot was removed.
    """
    snapshot = stores.ledger.get(Snapshot, validation.snapshot)
    with open_rows(definition, stores, snapshot) as rows:
        checked = check(rows, expected(definition, snapshot.purpose))
        count = rows.num_rows
    own = [finding.model_dump(mode="json") for finding in validation.findings if finding.expectation.startswith(OWN)]
    told = validation.model_dump(mode="json", include={"id", "interval", "purpose", "snapshot", "as_of", "verdict", "quarantined"})
    meta = {**told, "definition": definition.digest, "findings": own}
    return to_great_expectations(checked, count, suite=definition.name, meta=meta)
