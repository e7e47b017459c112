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
from perennial.learning.judgement import Judgement, Rules, judge
from perennial.ports import Stores
from perennial.steps.arrays import days, target, within
from perennial.steps.champion import effective_from, promoted_with, version_of
from perennial.steps.drawn import drawn
from perennial.steps.judging.costs import judged_by_budget
from perennial.steps.judging.holdout import Holdout
from perennial.steps.judging.importance import importance_of
from perennial.steps.judging.incumbent import Incumbent, incumbent
from perennial.steps.judging.infrastructure import TRIAL, Tried, infrastructure, times_untold
from perennial.steps.judging.outlook import outlook_of
from perennial.steps.judging.second_fit import noise_of
from perennial.steps.measuring.loss import loss_of
from perennial.steps.scoring.models import predict_with
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
    found = incumbent(definition, stores, whole, champion) if tried.cost else Incumbent(whole)
    holdout = found.holdout
    further = list(_further(definition, stores, version, champion, tried, rows, holdout))
    predicted = predict_with(stores, version.artifact, whole.rows, task=definition.estimator.task) if tried.cost else None
    result = _unloaded(tried.gate) if predicted is None else _judged(definition, stores, found, version, predicted, further)
    untold = times_untold(stores, version)
    content = [version.id, champion.id if champion else None, validation.id, definition.digest, *([untold] if untold else [])]
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
            outlook=None if predicted is None else outlook_of(definition, stores, version, whole.rows, predicted),
        )
    )


def _whole(definition: Definition, interval: Interval, rows: pa.Table, version: ModelVersion) -> Holdout:
    held_out = Interval(version.trained_on.end, interval.end - definition.label.delay)
    whole = within(rows, definition, held_out)
    if whole.num_rows == 0:
        raise DataError(Code.DATA_EMPTY, f"no row with a label in the holdout {held_out}", where=definition.name)
    return Holdout(held_out, whole)


def _further(
    definition: Definition,
    stores: Stores,
    version: ModelVersion,
    champion: ModelVersion | None,
    tried: Tried,
    rows: pa.Table,
    holdout: Holdout,
) -> Iterator[GateResult]:
    """Yield what the gates say that look at more than predictions; where the version failed to load, that is all."""
    yield tried.gate
    if tried.cost is None:
        return
    yield from judged_by_budget(definition, stores, version, tried.cost, champion)
    noise = definition.evaluation.gates.noise
    if noise is not None:
        learnt = drawn(definition, within(rows, definition, version.trained_on))
        yield noise_of(definition, stores, noise.among, learnt=learnt, held_out=holdout.rows)


def _judged(
    definition: Definition,
    stores: Stores,
    found: Incumbent,
    version: ModelVersion,
    predicted: npt.NDArray[np.float64],
    further: Sequence[GateResult],
) -> Judgement:
    """Judge the challenger by what it *predicted* on the whole holdout, of which the rows that are compared are the last ones."""
    holdout, task = found.holdout, definition.estimator.task
    predictions = {
        "challenger": predicted[predicted.size - holdout.rows.num_rows :],
        "baseline": predict_with(stores, version.baseline, holdout.rows, task=task),
    }
    if found.predicted is not None:
        predictions["champion"] = found.predicted
    result = compare_predictions(definition, holdout.rows, predictions, further)
    if holdout.seen:
        return _undecided(result, holdout.remark)
    if found.left_out:
        sentence = f"{found.left_out} So there is none to be compared with, and the other gates decide: passed."
        result = _of_champion(result, Verdict.PASS, sentence)
    return replace(result, sentence=f"{result.sentence} {holdout.remark}") if holdout.remark else result


def _unloaded(gate: GateResult) -> Judgement:
    """Return the refusal of a challenger that is not loaded here, as it failed where a failure does no harm."""
    outcome = "The challenger fails" if gate.verdict is Verdict.FAIL else "Whether the challenger passes cannot be told"
    return Judgement({}, (gate,), gate.verdict, f"{outcome} at {gate.gate}. {gate.sentence}")


def _undecided(result: Judgement, remark: str) -> Judgement:
    """Return *result*, in which no champion took part, with a gate of the champion that is inconclusive."""
    result = _of_champion(result, Verdict.INCONCLUSIVE, remark)
    if result.verdict is Verdict.PASS:
        return replace(result, verdict=Verdict.INCONCLUSIVE, sentence=remark)
    return replace(result, sentence=f"{result.sentence} {remark}")


def _of_champion(result: Judgement, verdict: Verdict, sentence: str) -> Judgement:
    """Return *result* with something else in the place of what the champion's gate said."""
    gate = GateResult(gate="champion", verdict=verdict, sentence=sentence)
    return replace(result, gates=tuple(gate if one.gate == gate.gate else one for one in result.gates))


def compare_predictions(
    definition: Definition,
    rows: pa.Table,
    predictions: dict[str, npt.NDArray[np.float64]],
    further: Sequence[GateResult] = (),
) -> Judgement:
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
    return judge(
        rules,
        actual=target(rows, definition),
        predictions=predictions,
        blocks=days(rows, definition),
        slices={name: rows.column(name).to_pylist() for name in evaluation.slices},
        further=further,
    )
