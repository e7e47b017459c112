"""A definition's estimator, fitted to rows."""

from __future__ import annotations

import pyarrow as pa
from sklearn.base import BaseEstimator

from perennial.definition.models import Definition
from perennial.learning.features import Columns, feature_frame
from perennial.learning.fit import fit
from perennial.steps.arrays import target


def fitted(definition: Definition, rows: pa.Table, columns: Columns) -> BaseEstimator:
    """Return the estimator of *definition*, fitted to *rows* with their labels; where there is a search, it is made.

    Args:
        definition: The model.
        rows: With features and labels.
        columns: The features that it gets.

    Raises:
        DataError: DATA_NONFINITE, SCHEMA_TYPE, TRAIN_DEGENERATE.
        DefinitionError: DEFINITION_ESTIMATOR.
    """
    estimator = definition.estimator
    return fit(
        feature_frame(rows, columns),
        target(rows, definition),
        path=estimator.path,
        task=estimator.task,
        columns=columns,
        seed=estimator.seed,
        parameters=estimator.parameters,
        search=estimator.search.model_dump() if estimator.search else None,
    )
