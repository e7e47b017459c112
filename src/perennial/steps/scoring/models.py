"""Loading a model version through its whole verification, once for as long as the stores are open, and predicting with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, DataError, DefinitionError
from perennial.learning.features import feature_frame, require_features
from perennial.learning.predict import nonfinite, raw_predictions, require_finite
from perennial.ports import Stores, Tools
from perennial.steps.snapshots.parts import ROWS_PER_GROUP
from perennial.steps.snapshots.rows import Rows

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from perennial.learning.codec import LoadedModel


def load(tools: Tools, manifest: str) -> LoadedModel:
    """Return the model behind a signed *manifest*.

    Raises:
        ArtifactError: The bytes, the signature, the types or the golden rows are not what was signed.
    """
    from perennial.learning.codec import load_model  # noqa: PLC0415 - skops takes a second to import, and most nights need no second model

    if manifest not in tools.loaded:
        tools.loaded[manifest] = load_model(manifest, key=tools.signing_key, get=tools.artifacts.get, trusted=tools.trusted)
    loaded: LoadedModel = tools.loaded[manifest]
    return loaded


def load_for(tools: Tools, manifest: str, task: str) -> LoadedModel:
    """Return the model behind a signed *manifest*, which must have been fitted for *task*.

    Raises:
        ArtifactError: The model is not what was signed, or ENVIRONMENT_MISMATCH.
        DefinitionError: DEFINITION_ESTIMATOR, the model was fitted for another task.
    """
    loaded = load(tools, manifest)
    if loaded.task != task:
        message = f"was fitted for {loaded.task}, the definition is for {task}"
        raise DefinitionError(Code.DEFINITION_ESTIMATOR, message, where=f"model {manifest[:12]}")
    return loaded


def predict_with(stores: Stores, manifest: str, rows: pa.Table, *, task: str) -> npt.NDArray[np.float64]:
    """Return the predictions of a signed model on *rows*, shape (rows,), in the label's unit or as probabilities.

    Features are made of a part of the rows at a time, so that they need little memory beside the rows.

    Raises:
        ArtifactError: The model is not what was signed, or ENVIRONMENT_MISMATCH.
        DataError: SCHEMA_MISSING, SCHEMA_TYPE; PREDICTION_NONFINITE.
        DefinitionError: DEFINITION_ESTIMATOR, the model was fitted for another task.
    """
    loaded = load_for(stores, manifest, task)
    require_features(rows.schema, loaded.columns)
    figures = np.empty(rows.num_rows)
    for start in range(0, rows.num_rows, ROWS_PER_GROUP):
        part = rows.slice(start, ROWS_PER_GROUP)
        figures[start : start + part.num_rows] = raw_predictions(loaded.model, feature_frame(part, loaded.columns), task=task)
    require_finite(loaded.model, nonfinite(figures), rows.num_rows)
    return figures


def unusable(stores: Stores, manifest: str, rows: pa.Table | Rows, *, task: str) -> str | None:
    """Return why a model cannot predict *rows* here, as the rest of a sentence that begins with its name; None where it can.

    After an upgrade, or where its definition has lost a feature or changed its task, the champion of before cannot predict any
    more, and only a retraining can replace it. Any other fault of it is raised.

    Args:
        stores: Where the model is.
        manifest: The digest of its manifest.
        rows: Any number of rows; only their columns count.
        task: What is to be predicted, ``regression`` or ``binary``.

    Raises:
        ArtifactError: The model is not what was signed.
    """
    try:
        loaded = load(stores, manifest)
    except ArtifactError as error:
        if error.code is Code.ENVIRONMENT_MISMATCH:
            return "was fitted with another Python, numpy or scikit-learn"
        raise
    if loaded.task != task:
        return f"was fitted for {loaded.task}"
    try:
        require_features(rows.schema, loaded.columns)
    except DataError as error:
        columns = ", ".join(fault.where for fault in error.faults)
        return f"needs columns that these rows lack or have in another type ({columns})"
    return None
