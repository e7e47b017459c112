"""evaluate: challenger, champion and baseline on the same held-out rows, and the verdict of the gates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Snapshot, Validation
from perennial.definition.models import Definition, Task
from perennial.learning.comparison import Comparison, compare
from perennial.learning.features import feature_frame
from perennial.learning.predict import predict
from perennial.ports import Stores
from perennial.steps.arrays import days, target, within
from perennial.steps.champion import champion_of, version_of
from perennial.steps.loss import loss_of
from perennial.steps.models import fits_environment, load
from perennial.steps.rows import clean_rows


def evaluate(
    definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation, version: ModelVersion
) -> Evaluation:
    """Score the challenger beside the champion and the baseline on the holdout, the last matured part of the window.

    A champion that was fitted with other versions of the libraries cannot predict any more; the challenger is then judged
    without it, and the evaluation says so.

    Returns:
        The evaluation; a challenger that is refused is a value, not an error.

    Raises:
        DataError: DATA_EMPTY, the holdout has no rows.
        ArtifactError: A model is not what was signed.
    """
    holdout = Interval(version.trained_on.end, interval.end - definition.label.delay)
    rows = within(clean_rows(definition, stores, snapshot, validation), definition, holdout)
    if rows.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no row with a label in the holdout {holdout}", where=definition.name)
    champion = version_of(stores, champion_of(stores, definition.name, snapshot.segment, interval))
    manifests = {"challenger": version.artifact, "baseline": version.baseline}
    comparable = champion is not None and fits_environment(stores, champion.artifact)
    if champion is not None and comparable:
        manifests["champion"] = champion.artifact
    predictions = {role: predict_with(definition, stores, rows, manifest) for role, manifest in manifests.items()}
    result = compare_predictions(definition, rows, predictions)
    content = [version.id, champion.id if champion else None, validation.id, definition.digest]
    return stores.ledger.record(
        Evaluation(
            id=digest_json(content)[:32],
            model=definition.name,
            segment=snapshot.segment,
            interval=interval,
            challenger=version.id,
            champion=champion.id if champion else None,
            snapshot=snapshot.digest,
            as_of=snapshot.as_of,
            holdout=holdout,
            rows=rows.num_rows,
            verdict=result.verdict,
            sentence=result.sentence if comparable or champion is None else f"{result.sentence} {_other_environment(champion)}",
            metrics=result.metrics,
            gates=result.gates,
        )
    )


def _other_environment(champion: ModelVersion) -> str:
    return f"{champion.id} was fitted with another Python, numpy or scikit-learn and cannot predict here, so it was left out."


def predict_with(definition: Definition, stores: Stores, rows: pa.Table, manifest: str) -> npt.NDArray[np.float64]:
    """Return the predictions of a signed model on *rows*, shape (rows,)."""
    loaded = load(stores, manifest)
    return predict(loaded.model, feature_frame(rows, loaded.columns), task=definition.estimator.task)


def compare_predictions(definition: Definition, rows: pa.Table, predictions: dict[str, npt.NDArray[np.float64]]) -> Comparison:
    """Compare predictions by role (challenger, champion, baseline), each of shape (rows,), under the definition's gates."""
    evaluation, gates = definition.evaluation, definition.evaluation.gates
    return compare(
        metric=evaluation.metric,
        report=tuple(dict.fromkeys((*evaluation.report, loss_of(definition).metric))),
        actual=target(rows, definition),
        predictions=predictions,
        blocks=days(rows, definition),
        baseline_margin=gates.baseline,
        champion_rule=gates.champion.rule,
        champion_margin=gates.champion.margin,
        floor_within=gates.floor.within if gates.floor else None,
        floor_share=gates.floor.share if gates.floor else None,
        unit=definition.label.column if definition.estimator.task is Task.REGRESSION else "",
        slices={name: rows.column(name).to_pylist() for name in evaluation.slices},
    )
