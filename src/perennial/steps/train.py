"""train: one fit on a validated snapshot, with its baseline and its reference profile, as a signed model version."""

from __future__ import annotations

import pyarrow as pa
from sklearn.base import BaseEstimator

from perennial import __version__
from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.learning.baseline import baseline_columns, fit_baseline
from perennial.learning.codec import dump_model
from perennial.learning.features import Columns, feature_frame
from perennial.learning.fit import fit
from perennial.learning.manifest import versions
from perennial.monitoring.reference import reference_profile
from perennial.ports import Stores
from perennial.steps.arrays import days, target, within
from perennial.steps.columns import feature_columns
from perennial.steps.snapshots.rows import clean_rows

GOLDEN_ROWS = 8


def train(
    definition: Definition,
    interval: Interval,
    stores: Stores,
    *,
    snapshot: Snapshot,
    validation: Validation,
    reason: str,
    request: str | None = None,
) -> ModelVersion:
    """Fit the definition's estimator on the window without its holdout, and store what came of it.

    The same inputs give the same version. Another library, or another function under the estimator's name, gives another one, as
    the training run is named by what came of it, too.

    Args:
        definition: The model.
        interval: The training window; its end is the cut-off.
        stores: Where from and where to.
        snapshot: The training snapshot.
        validation: What *validate* said of it.
        reason: Why there is a training, for the ledger.
        request: The retrain request that it answers.

    Raises:
        DataError: The validation failed, or TRAIN_DEGENERATE.
        DefinitionError: DEFINITION_ESTIMATOR.
    """
    if validation.verdict is not Verdict.PASS:
        raise DataError(Code.DATA_REFUSED, _refusal(validation), where=f"{definition.name} {interval}")
    window = trained_on(definition, interval)
    rows = within(clean_rows(definition, stores, snapshot, validation), definition, window)
    fitted = _fitted(definition, stores, rows)
    content = [definition.digest, snapshot.digest, validation.id, __version__, str(window), versions(), fitted]
    run = digest_json(content)[:32]
    version = ModelVersion(
        id=f"{definition.name}-{interval.end:%Y%m%d}-{run[:8]}",
        training_run=run,
        model=definition.name,
        segment=snapshot.segment,
        interval=interval,
        snapshot=snapshot.digest,
        validation=validation.id,
        as_of=snapshot.as_of,
        trained_on=window,
        rows=rows.num_rows,
        **fitted,
        definition_digest=definition.digest,
        code_version=__version__,
        seed=definition.estimator.seed,
        reason=reason,
        request=request,
    )
    return stores.ledger.record(version)


def trained_on(definition: Definition, interval: Interval) -> Interval:
    """Return the part of the training window that is fitted on: all but the holdout and the labels that are not matured.

    Raises:
        DataError: INTERVAL_EMPTY, nothing is left.
    """
    return Interval(interval.start, definition.trained_until(interval.end))


def _fitted(definition: Definition, stores: Stores, rows: pa.Table) -> dict[str, str]:
    estimator, columns = definition.estimator, feature_columns(definition)
    frame, labels = feature_frame(rows, columns), target(rows, definition)
    search = estimator.search.model_dump() if estimator.search else None
    fitted = fit(
        frame,
        labels,
        path=estimator.path,
        task=estimator.task,
        columns=columns,
        seed=estimator.seed,
        parameters=estimator.parameters,
        search=search,
    )
    trivial = baseline_columns(definition.source.event_at, definition.schedule.timezone)
    moments = rows.column(definition.source.event_at)
    baseline = fit_baseline(definition.evaluation.baseline, moments, labels, definition.schedule.timezone)
    reference = reference_profile(rows, numeric=columns.numeric, categorical=columns.categorical, nights=days(rows, definition))
    golden = rows.slice(max(0, rows.num_rows - GOLDEN_ROWS))
    return {
        "artifact": _signed(definition, stores, fitted, golden, columns),
        "baseline": _signed(definition, stores, baseline, golden, trivial),
        "profile": stores.artifacts.put(reference.to_json()),
    }


def _signed(definition: Definition, stores: Stores, model: BaseEstimator, golden: pa.Table, columns: Columns) -> str:
    return dump_model(
        model,
        frame=feature_frame(golden, columns),
        task=definition.estimator.task,
        columns=columns,
        key=stores.signing_key,
        code_version=__version__,
        put=stores.artifacts.put,
    )


def _refusal(validation: Validation) -> str:
    failed = "; ".join(finding.sentence for finding in validation.findings if not finding.success)
    return f"the training data was refused: {failed}"
