"""train: one fit on a validated snapshot, with its baseline and its reference profile, as a signed model version."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from perennial import __version__
from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Snapshot, Validation, Verdict
from perennial.core.scratch import temporary_folder
from perennial.definition.models import Definition
from perennial.learning.codec import sign_model
from perennial.learning.manifest import versions
from perennial.ports import Stores
from perennial.steps.arrays import days, within
from perennial.steps.columns import feature_columns
from perennial.steps.drawn import drawn
from perennial.steps.jobs import FIT
from perennial.steps.jobs.handed import PROFILE, SAMPLE, hand_rows, handed_bytes, handed_model
from perennial.steps.snapshots.rows import clean_rows
from perennial.workshop.done import Done


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
    """Fit the definition's estimator on the window without its holdout, in a process of its own, and store what came of it.

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
        ArtifactError: ARTIFACT_UNTRUSTED_TYPE, ARTIFACT_TOO_LARGE, MODEL_CORRUPT: the model could not be stored.
        DataError: The validation failed, or TRAIN_DEGENERATE.
        DefinitionError: DEFINITION_ESTIMATOR.
        TerminalError: MEMORY_LIMIT, MODEL_CRASHED, MODEL_TIMEOUT: the fit took too much, or its process with it.
        UnavailableError: WORKSHOP_ENDED, MODEL_KILLED.
    """
    version = trained(definition, interval, stores, snapshot=snapshot, validation=validation, reason=reason, request=request)
    stores.artifacts.put(definition.content)  # the row names it by its digest, and whoever repeats the training reads it
    return stores.ledger.record(version)


def trained(
    definition: Definition,
    interval: Interval,
    stores: Stores,
    *,
    snapshot: Snapshot,
    validation: Validation,
    reason: str,
    request: str | None = None,
) -> ModelVersion:
    """Do what :func:`train` does, but for the row in the ledger."""
    if validation.verdict is not Verdict.PASS:
        raise DataError(Code.DATA_REFUSED, _refusal(validation), where=f"{definition.name} {interval}")
    stores.workshop.prepare(FIT)  # while the rows are read
    window = trained_on(definition, interval)
    known = within(clean_rows(definition, stores, snapshot, validation), definition, window)
    rows = drawn(definition, known)
    fitted, done = _fitted(definition, stores, rows)
    made = {name: fitted[name] for name in ("artifact", "baseline", "profile")}  # the sample follows from the rows
    content = [definition.digest, snapshot.digest, validation.id, __version__, str(window), versions(), made]
    run = digest_json(content)[:32]
    return ModelVersion(
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
        fit_seconds=done.value["seconds"],
        fit_memory=done.memory,
        drawn_from=known.num_rows if rows is not known else None,
        drawn_days=int(np.unique(days(known, definition)).size) if rows is not known else None,
    )


def trained_on(definition: Definition, interval: Interval) -> Interval:
    """Return the part of the training window that is fitted on: all but the holdout and the labels that are not matured.

    Raises:
        DataError: INTERVAL_EMPTY, nothing is left.
    """
    return Interval(interval.start, definition.trained_until(interval.end))


def _fitted(definition: Definition, stores: Stores, rows: pa.Table) -> tuple[dict[str, str | None], Done]:
    """Have the workshop fit on *rows*; sign and store what it made. The signing key stays in this process."""
    estimator, columns = definition.estimator, feature_columns(definition)
    watched = (*definition.monitoring.columns, definition.source.event_at)
    needed = dict.fromkeys((*columns.read, *watched, definition.label.column))
    with temporary_folder(stores.scratch) as folder:
        hand_rows(folder, "rows", rows.select(list(needed)))
        ask = {"definition": definition.model_dump(mode="json"), "trusted": sorted(stores.trusted)}
        seconds = estimator.time.total_seconds()
        done = stores.workshop.run(f"{FIT}:run", ask, folder, memory=estimator.memory, seconds=seconds)
        put = stores.artifacts.put
        return {
            "artifact": sign_model(handed_model(folder, "model"), key=stores.signing_key, put=put),
            "baseline": sign_model(handed_model(folder, "baseline"), key=stores.signing_key, put=put),
            "profile": put(handed_bytes(folder / PROFILE)),
            "sample": put(folder / SAMPLE) if definition.monitoring.multivariate else None,
        }, done


def _refusal(validation: Validation) -> str:
    failed = "; ".join(finding.sentence for finding in validation.findings if not finding.success)
    return f"the training data was refused: {failed}"
