"""evaluate: challenger, champion and baseline on the same held-out rows, and the verdict of the gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from perennial.learning.comparison import Comparison, Rules, compare
from perennial.ports import Stores
from perennial.steps.arrays import days, target, within
from perennial.steps.champion import effective_from, promoted_with, version_of
from perennial.steps.holdout import Holdout, beside
from perennial.steps.importance import importance_of
from perennial.steps.infrastructure import TRIAL, Tried, infrastructure, judged_by_budget
from perennial.steps.loss import loss_of
from perennial.steps.models import predict_with
from perennial.steps.second_fit import noise_of
from perennial.steps.snapshots.rows import clean_rows


def evaluate(
    definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot, validation: Validation, version: ModelVersion
) -> Evaluation:
    """Score the challenger beside the champion and the baseline on the holdout, the last matured part of the window.

    Before this process loads the challenger, one does that may crash. Where it fails there, it fails at the gate of the
    infrastructure, and is not loaded here.

    The champion is the newest one that takes effect no later than the challenger would. One that cannot predict these rows any
    more is left out. Where it was trained on a part of the holdout, the rest is compared; where it was trained on all of it, the
    verdict is inconclusive at best. The evaluation's sentence says so.

    A challenger that was promoted already keeps the evaluation that it was promoted with, whoever is champion now.

    Returns:
        The evaluation; a challenger that is refused is a value, not an error.

    Raises:
        DataError: DATA_EMPTY, the holdout has no rows.
        ArtifactError: A model is not what was signed.
        UnavailableError: WORKSHOP_ENDED.
    """
    promoted = promoted_with(stores, version)
    if promoted is not None:
        return stores.ledger.record(promoted)
    stores.workshop.prepare(TRIAL)  # while the rows are read
    standing = stores.ledger.champion(definition.name, snapshot.segment, at=effective_from(interval, snapshot.as_of))
    champion = version_of(stores, standing)
    rows = clean_rows(definition, stores, snapshot, validation)
    whole = _whole(definition, interval, rows, version)
    tried = infrastructure(definition, stores, version, rows)
    holdout = beside(definition, stores, whole, champion) if tried.cost else whole
    further = list(_further(definition, stores, version, tried, rows, holdout))
    result = _judged(definition, stores, holdout, version, further) if tried.cost else _unloaded(tried.gate)
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
            importance=importance_of(definition, stores, version.artifact, holdout.rows) if tried.cost else {},
            cost=tried.cost,
        )
    )


def _whole(definition: Definition, interval: Interval, rows: pa.Table, version: ModelVersion) -> Holdout:
    held_out = Interval(version.trained_on.end, interval.end - definition.label.delay)
    whole = within(rows, definition, held_out)
    if whole.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no row with a label in the holdout {held_out}", where=definition.name)
    return Holdout(held_out, whole)


def _further(
    definition: Definition, stores: Stores, version: ModelVersion, tried: Tried, rows: pa.Table, holdout: Holdout
) -> Iterator[GateResult]:
    """Yield what the gates say that look at more than predictions; where the version failed to load, that is all."""
    yield tried.gate
    if tried.cost is None:
        return
    yield from judged_by_budget(definition, version, tried.cost)
    noise = definition.evaluation.gates.noise
    if noise is not None:
        yield noise_of(definition, stores, noise.among, learnt=within(rows, definition, version.trained_on), held_out=holdout.rows)


def _judged(
    definition: Definition, stores: Stores, holdout: Holdout, version: ModelVersion, further: Sequence[GateResult]
) -> Comparison:
    manifests = {"challenger": version.artifact, "baseline": version.baseline, "champion": holdout.champion}
    present = {role: manifest for role, manifest in manifests.items() if manifest is not None}
    task = definition.estimator.task
    predictions = {role: predict_with(stores, manifest, holdout.rows, task=task) for role, manifest in present.items()}
    result = compare_predictions(definition, holdout.rows, predictions, further)
    if holdout.seen:
        return _undecided(result, holdout.remark)
    return replace(result, sentence=f"{result.sentence} {holdout.remark}") if holdout.remark else result


def _unloaded(gate: GateResult) -> Comparison:
    """Return the refusal of a challenger that is not loaded here, as it failed where a failure does no harm."""
    return Comparison({}, (gate,), gate.verdict, f"The challenger fails at {gate.gate}. {gate.sentence}")


def _undecided(result: Comparison, remark: str) -> Comparison:
    """Return *result*, in which no champion took part, with a gate of the champion that is inconclusive."""
    gate = GateResult(gate="champion", verdict=Verdict.INCONCLUSIVE, sentence=remark)
    gates = tuple(gate if found.gate == gate.gate else found for found in result.gates)
    if result.verdict is Verdict.PASS:
        return replace(result, gates=gates, verdict=Verdict.INCONCLUSIVE, sentence=remark)
    return replace(result, gates=gates, sentence=f"{result.sentence} {remark}")


def compare_predictions(
    definition: Definition,
    rows: pa.Table,
    predictions: dict[str, npt.NDArray[np.float64]],
    further: Sequence[GateResult] = (),
) -> Comparison:
    """Compare predictions by role (challenger, champion, baseline), each of shape (rows,), under the definition's gates.

    What *further* gates said counts as much.
    """
    evaluation, gates = definition.evaluation, definition.evaluation.gates
    rules = Rules(
        metric=evaluation.figure(evaluation.metric),
        report=[evaluation.figure(metric) for metric in (*evaluation.report, loss_of(definition).metric)],
        unit=definition.label.column if definition.estimator.task is Task.REGRESSION else "",
        baseline=gates.baseline,
        champion=gates.champion.rule,
        margin=gates.champion.margin,
        floor=(gates.floor.within, gates.floor.share) if gates.floor else None,
        calibration=(gates.calibration.error, gates.calibration.slope) if gates.calibration else None,
        slices=(gates.slices.margin, gates.slices.minimum_rows) if gates.slices else None,
    )
    return compare(
        rules,
        actual=target(rows, definition),
        predictions=predictions,
        blocks=days(rows, definition),
        slices={name: rows.column(name).to_pylist() for name in evaluation.slices},
        further=further,
    )
