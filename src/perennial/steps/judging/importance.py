"""importance: what a version looks at, on rows that it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from perennial.core.receipts import Importance
from perennial.definition.models import Definition
from perennial.learning.features import Columns, feature_frame
from perennial.learning.importance import permutation_importance, rows_looked_at
from perennial.ports import Stores
from perennial.steps.arrays import target
from perennial.steps.scoring.models import load_for

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def importance_of(definition: Definition, stores: Stores, manifest: str, rows: pa.Table) -> dict[str, Importance]:
    """Return the importance of each feature of a signed model, by the loss that decides.

    Raises:
        ArtifactError: The model is not what was signed, or ENVIRONMENT_MISMATCH.
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
        DefinitionError: DEFINITION_ESTIMATOR, the model was fitted for another task.
    """
    loaded = load_for(stores, manifest, definition.estimator.task)
    return importance_of_model(definition, loaded.model, loaded.columns, rows)


def importance_of_model(definition: Definition, model: BaseEstimator, columns: Columns, rows: pa.Table) -> dict[str, Importance]:
    """Return the same of a model in memory, fitted on *columns*."""
    seed = definition.estimator.seed
    few = rows.take(rows_looked_at(rows.num_rows, len(columns.features), seed=seed))
    return permutation_importance(
        model,
        feature_frame(few, columns),
        target(few, definition),
        task=definition.estimator.task,
        metric=definition.evaluation.figure(definition.evaluation.metric),
        seed=seed,
    )
