"""compare: two versions on the newest labelled rows that neither was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault, RejectedError, TerminalError
from perennial.core.interval import Interval
from perennial.core.receipts import Estimate, Evaluation, GateResult, ModelVersion, Receipt, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import within
from perennial.steps.evaluate import compare_predictions
from perennial.steps.judging.infrastructure import require_tried
from perennial.steps.scoring.models import predict_with
from perennial.steps.snapshots.rows import clean_rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


class Comparison(Receipt):
    """Two versions side by side, the first one in the place of a challenger, the second one in that of the champion.

    *metrics* is figure by version and metric name, and by ``version[column=value]`` on the slices. *gates* is what the definition's
    gates say of the first version; the sentence is the one about the second.
    """

    interval: Interval
    rows: int
    metrics: dict[str, dict[str, Estimate]]
    gates: tuple[GateResult, ...]
    sentence: str


def compare(definition: Definition, stores: Stores, *, first: str, second: str) -> Comparison:
    """Score both versions on the snapshot of the newest evaluation, after the end of what either was trained on.

    Any version will do, champion, retired or refused, as long as it can predict these rows here.

    Raises:
        ArtifactError: A version is not what was signed, or ENVIRONMENT_MISMATCH.
        DataError: DATA_EMPTY, there is no such row; SCHEMA_MISSING, SCHEMA_TYPE, a version needs other columns.
        DefinitionError: DEFINITION_ESTIMATOR, a version was fitted for another task.
        RejectedError: MODEL_UNKNOWN, no such version, or one of another model or segment; MODEL_UNTRIED.
    """
    one, other = (stores.ledger.get(ModelVersion, name) for name in (first, second))
    _require_alike(definition, one, other)
    newest = stores.ledger.history(Evaluation, definition.name, one.segment, newest=1)
    if not newest:
        raise DataError(Code.DATA_EMPTY, "nothing was evaluated yet", where=definition.name)
    interval = _unseen(newest[0], one, other)
    rows = within(evaluated_rows(definition, stores, newest[0]), definition, interval)
    if rows.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no labelled row in {interval}", where=f"{first} and {second}")
    return side_by_side(definition, stores, rows, interval, one, other)


def side_by_side(
    definition: Definition, stores: Stores, rows: pa.Table, interval: Interval, first: ModelVersion, second: ModelVersion
) -> Comparison:
    """Score both versions on labelled *rows* of *interval*, of which there is at least one and none was trained on by either.

    Raises:
        ArtifactError: A version is not what was signed, or ENVIRONMENT_MISMATCH; as every fault here, with the version's name.
        DataError: SCHEMA_MISSING, SCHEMA_TYPE; PREDICTION_NONFINITE.
        DefinitionError: DEFINITION_ESTIMATOR.
        RejectedError: MODEL_UNTRIED, no evaluation says that a fresh process could load a version.
    """
    for version in (first, second):
        require_tried(stores, version)
    predictions = {
        "challenger": _predicted(definition, stores, rows, first, first.artifact),
        "champion": _predicted(definition, stores, rows, second, second.artifact),
        "baseline": _predicted(definition, stores, rows, first, first.baseline),
    }
    result = compare_predictions(definition, rows, predictions)
    named = {"challenger": first.id, "champion": second.id}
    roles = {name: name.partition("[")[0] for name in result.metrics}
    metrics = {f"{named[role]}{name.removeprefix(role)}": result.metrics[name] for name, role in roles.items() if role in named}
    sentence = next(gate.sentence for gate in result.gates if gate.gate == "champion")
    return Comparison(interval=interval, rows=rows.num_rows, metrics=metrics, gates=result.gates, sentence=sentence)


def _predicted(
    definition: Definition, stores: Stores, rows: pa.Table, version: ModelVersion, manifest: str
) -> npt.NDArray[np.float64]:
    try:
        return predict_with(stores, manifest, rows, task=definition.estimator.task)
    except TerminalError as error:
        faults = [Fault(fault.code, fault.message, f"{version.id}: {fault.where}") for fault in error.faults]
        raise type(error).of(faults, fix=error.fix) from error


def _require_alike(definition: Definition, *versions: ModelVersion) -> None:
    """Refuse versions of different models or segments.

    Raises:
        RejectedError: MODEL_UNKNOWN.
    """
    for version in versions:
        if version.model != definition.name:
            message = f"must be a version of {definition.name}, is one of {version.model}"
            raise RejectedError(Code.MODEL_UNKNOWN, message, where=version.id)
        if version.segment != versions[0].segment:
            message = f"must be of segment {versions[0].segment}, is of {version.segment}"
            raise RejectedError(Code.MODEL_UNKNOWN, message, where=version.id)


def _unseen(newest: Evaluation, *versions: ModelVersion) -> Interval:
    """Return the part of the newest evaluation's rows that none of *versions* was trained on.

    Raises:
        DataError: DATA_EMPTY.
    """
    unseen = max(version.trained_on.end for version in versions)
    if unseen >= newest.holdout.end:
        where = " and ".join(version.id for version in versions)
        raise DataError(Code.DATA_EMPTY, f"no labelled row after {unseen:%Y-%m-%d}", where=where)
    return Interval(max(unseen, newest.interval.start), newest.holdout.end)


def evaluated_rows(definition: Definition, stores: Stores, evaluation: Evaluation) -> pa.Table:
    """Return the labelled rows of the snapshot that *evaluation* was made on, training rows and holdout, in memory.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
    """
    validation = stores.ledger.get(ModelVersion, evaluation.challenger).validation
    snapshot = stores.ledger.get(Snapshot, evaluation.snapshot)
    return clean_rows(definition, stores, snapshot, stores.ledger.get(Validation, validation))
