"""fit: the estimator, its baseline and the reference profile out of a training run's rows."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
from sklearn.base import BaseEstimator

from perennial import __version__
from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE
from perennial.definition.models import Definition
from perennial.learning.baseline import baseline_columns, fit_baseline
from perennial.learning.codec import Written, write_model
from perennial.learning.features import Columns, feature_frame
from perennial.steps.arrays import target
from perennial.steps.columns import feature_columns
from perennial.steps.fitted import fitted
from perennial.steps.jobs.handed import PROFILE, SAMPLE, hand_model, handed_rows
from perennial.steps.jobs.warm import warm  # noqa: F401 - the workshop calls it before the first fork
from perennial.steps.sample import write_sample
from perennial.steps.trained_reference import trained_reference

GOLDEN_ROWS = 8


def run(ask: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Fit what ``ask["definition"]`` says to the rows ``rows``, and write ``model``, ``baseline`` and the profile.

    Args:
        ask: ``definition``, and ``trusted``, the classes that this installation trusts.
        folder: Where the rows are, and where all goes.

    Returns:
        ``seconds``, how long the fit of the estimator took.

    Raises:
        ArtifactError: ARTIFACT_UNTRUSTED_TYPE, ARTIFACT_TOO_LARGE, MODEL_CORRUPT.
        DataError: DATA_NONFINITE, SCHEMA_TYPE, TRAIN_DEGENERATE.
        DefinitionError: DEFINITION_ESTIMATOR.
    """
    definition, trusted = Definition.model_validate(ask["definition"]), frozenset(ask["trusted"])
    rows, columns = handed_rows(folder, "rows"), feature_columns(definition)
    began = time.perf_counter()
    model = fitted(definition, rows, columns)
    seconds = time.perf_counter() - began
    timezone, moments = definition.schedule.timezone, rows.column(definition.source.event_at)
    baseline = fit_baseline(definition.evaluation.baseline, moments, target(rows, definition), timezone)
    trivial = baseline_columns(definition.source.event_at, timezone)
    golden = rows.slice(max(0, rows.num_rows - GOLDEN_ROWS))
    with ThreadPoolExecutor(1, thread_name_prefix="profile") as beside:  # it sorts numbers, while models are written by Python
        counted = beside.submit(lambda: trained_reference(definition, rows).to_json())
        hand_model(folder, "model", _written(definition, model, golden, columns, trusted))
        hand_model(folder, "baseline", _written(definition, baseline, golden, trivial, trusted))
        if definition.monitoring.multivariate:
            write_sample(folder / SAMPLE, definition, rows)
    with file_errors(WHERE):
        (folder / PROFILE).write_bytes(counted.result())
    return {"seconds": seconds}


def _written(definition: Definition, model: BaseEstimator, golden: pa.Table, columns: Columns, trusted: frozenset[str]) -> Written:
    return write_model(
        model,
        frame=feature_frame(golden, columns),
        task=definition.estimator.task,
        columns=columns,
        code_version=__version__,
        trusted=trusted,
    )
