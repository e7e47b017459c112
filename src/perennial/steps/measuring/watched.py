"""What a night is counted over: the champion's edges, as far as the definition still reads their columns."""

from __future__ import annotations

from perennial.core.receipts import ModelVersion
from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Stores
from perennial.steps.columns import row_columns


def watched_reference(definition: Definition, stores: Stores, version: ModelVersion) -> Reference:
    """Return the reference of *version* over the columns that *definition* reads.

    A definition that was changed since may have ceased to watch a column. What the champion was trained on beside it is watched all
    the same. (A feature that is not read any more is another matter: the champion cannot predict without it.)

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT.
    """
    reference, read = Reference.from_json(stores.artifacts.get(version.profile)), set(row_columns(definition))
    return reference.only(lambda edges: read.issuperset(reference.edges.read_for(edges)))
