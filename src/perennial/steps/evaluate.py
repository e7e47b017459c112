"""evaluate: challenger, champion and baseline on the same held-out rows, and the verdict of the gates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, GateResult, ModelVersion, Snapshot, Validation, Verdict
from perennial.definition.models import Definition, Task
from perennial.learning.comparison import Comparison, compare
from perennial.ports import Stores
from perennial.steps.arrays import days, target, within
from perennial.steps.champion import effective_from, promoted_with, version_of
from perennial.steps.holdout import Holdout, beside
from perennial.steps.loss import loss_of
from perennial.steps.models import predict_with
from perennial.steps.snapshots.rows import clean_rows


def evaluate(
    definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation, version: ModelVersion
) -> Evaluation:
    """Score the challenger beside the champion and the baseline on the holdout, the last matured part of the window.

    The champion is the newest one that takes effect no later than the challenger would. One that cannot predict these rows any
    more is left out. Where it was trained on a part of the holdout, the rest is compared; where it was trained on all of it, the
    verdict is inconclusive at best. The evaluation's sentence says so.

    A challenger that was promoted already keeps the evaluation that it was promoted with, whoever is champion now.

    Returns:
        The evaluation; a challenger that is refused is a value, not an error.

    Raises:
        DataError: DATA_EMPTY, the holdout has no rows.
        ArtifactError: A model is not what was signed.
    """
    promoted = promoted_with(stores, version)
    if promoted is not None:
        return stores.ledger.record(promoted)
    standing = stores.ledger.champion(definition.name, snapshot.segment, at=effective_from(interval, snapshot.as_of))
    champion = version_of(stores, standing)
    whole = _whole(definition, interval, stores, snapshot, validation, version)
    holdout = beside(definition, stores, whole, champion)
    result = _judged(definition, stores, holdout, version)
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
            holdout=holdout.interval,
            rows=holdout.rows.num_rows,
            verdict=result.verdict,
            sentence=result.sentence,
            metrics=result.metrics,
            gates=result.gates,
        )
    )


def _whole(
    definition: Definition, interval: Interval, stores: Stores, snapshot: Snapshot, validation: Validation, version: ModelVersion
) -> Holdout:
    held_out = Interval(version.trained_on.end, interval.end - definition.label.delay)
    rows = within(clean_rows(definition, stores, snapshot, validation), definition, held_out)
    if rows.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no row with a label in the holdout {held_out}", where=definition.name)
    return Holdout(held_out, rows)


def _judged(definition: Definition, stores: Stores, holdout: Holdout, version: ModelVersion) -> Comparison:
    manifests = {"challenger": version.artifact, "baseline": version.baseline, "champion": holdout.champion}
    present = {role: manifest for role, manifest in manifests.items() if manifest is not None}
    task = definition.estimator.task
    predictions = {role: predict_with(stores, manifest, holdout.rows, task=task) for role, manifest in present.items()}
    result = compare_predictions(definition, holdout.rows, predictions)
    if holdout.seen:
        return _undecided(result, holdout.remark)
    return replace(result, sentence=f"{result.sentence} {holdout.remark}") if holdout.remark else result


def _undecided(result: Comparison, remark: str) -> Comparison:
    """Return *result*, in which no champion took part, with a gate of the champion that is inconclusive."""
    gate = GateResult(gate="champion", verdict=Verdict.INCONCLUSIVE, sentence=remark)
    gates = tuple(gate if found.gate == gate.gate else found for found in result.gates)
    if result.verdict is Verdict.PASS:
        return replace(result, gates=gates, verdict=Verdict.INCONCLUSIVE, sentence=remark)
    return replace(result, gates=gates, sentence=f"{result.sentence} {remark}")


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
