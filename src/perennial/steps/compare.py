"""compare: two versions on the newest labelled rows that neither was trained on."""

from __future__ import annotations

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Estimate, Evaluation, ModelVersion, Receipt, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import within
from perennial.steps.evaluate import compare_predictions
from perennial.steps.models import predict_with
from perennial.steps.snapshots.rows import clean_rows


class Comparison(Receipt):
    """Two versions side by side. *metrics* is figure by version and metric name; the sentence speaks of the first version."""

    interval: Interval
    rows: int
    metrics: dict[str, dict[str, Estimate]]
    sentence: str


def compare(definition: Definition, stores: Stores, *, first: str, second: str) -> Comparison:
    """Score both versions on the snapshot of the newest evaluation, after the end of what either was trained on.

    Raises:
        DataError: DATA_EMPTY, there is no such row.
        DefinitionError: DEFINITION_ESTIMATOR, a version was fitted for another task.
        RejectedError: MODEL_UNKNOWN.
    """
    versions = [stores.ledger.get(ModelVersion, name) for name in (first, second)]
    newest = stores.ledger.history(Evaluation, definition.name, versions[0].segment, newest=1)
    if not newest:
        raise DataError(Code.DATA_EMPTY, "nothing was evaluated yet", where=definition.name)
    unseen = max(version.trained_on.end for version in versions)
    if unseen >= newest[0].holdout.end:
        raise DataError(Code.DATA_EMPTY, f"no labelled row after {unseen:%Y-%m-%d}", where=f"{first} and {second}")
    interval = Interval(max(unseen, newest[0].interval.start), newest[0].holdout.end)
    snapshot = stores.ledger.get(Snapshot, newest[0].snapshot)
    validation = next(
        row
        for row in reversed(stores.ledger.history(Validation, definition.name, snapshot.segment))
        if row.snapshot == snapshot.digest
    )
    rows = within(clean_rows(definition, stores, snapshot, validation), definition, interval)
    if rows.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no labelled row in {interval}", where=f"{first} and {second}")
    predictions = {
        role: predict_with(stores, manifest, rows, task=definition.estimator.task)
        for role, manifest in (
            ("challenger", versions[0].artifact),
            ("champion", versions[1].artifact),
            ("baseline", versions[0].baseline),
        )
    }
    result = compare_predictions(definition, rows, predictions)
    metrics = {first: result.metrics["challenger"], second: result.metrics["champion"]}
    sentence = next(gate.sentence for gate in result.gates if gate.gate == "champion")
    return Comparison(interval=interval, rows=rows.num_rows, metrics=metrics, sentence=sentence)
