"""Challenger, champion and baseline on the same rows: figures, gates and a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.receipts import Estimate, GateResult, Verdict
from perennial.learning.bootstrap import estimate
from perennial.learning.gates import baseline_gate, calibration_gate, champion_gate, floor_gate
from perennial.learning.scored import Scored, score
from perennial.learning.slices import Slice, overlooked, sliced, slices_gate
from perennial.learning.words import days, number

_GRAVEST_FIRST = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came out.

    Attributes:
        metrics: By role (challenger, champion, baseline) and figure, those that are defined; and the deciding figure by slice,
            under ``role[column=value]``.
        gates: What each gate said.
        verdict: error where a gate cannot be told, else fail where one fails, else inconclusive where one is, else pass.
        sentence: All of it in one sentence.
    """

    metrics: dict[str, dict[str, Estimate]]
    gates: tuple[GateResult, ...]
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a challenger is asked for.

    Attributes:
        metric: The figure that decides.
        report: Further figures.
        unit: The unit of the deciding figure, for the sentences.
        baseline: By which share of its loss the baseline must at least be beaten.
        champion: superior or non_inferior.
        margin: The tolerated loss, as a share of the champion's figure; for non_inferior.
        floor: The largest error that counts as right, in the label's unit, and the share of rows that must be right.
        calibration: The largest calibration error, and the largest calibration slope, whose inverse is the smallest.
        slices: The tolerated loss on a slice, as a share of the champion's figure there, and the rows from which on a slice counts.
    """

    metric: str
    report: Sequence[str] = ()
    unit: str = ""
    baseline: float = 0.0
    champion: Literal["superior", "non_inferior"] = "superior"
    margin: float = 0.0
    floor: tuple[float, float] | None = None
    calibration: tuple[float, float] | None = None
    slices: tuple[float, int] | None = None


def judge(
    rules: Rules,
    *,
    actual: npt.ArrayLike,
    predictions: Mapping[str, npt.NDArray[np.float64]],
    blocks: npt.ArrayLike,
    slices: Mapping[str, Sequence[object]] | None = None,
    further: Sequence[GateResult] = (),
) -> Judgement:
    """Judge a challenger on rows that none of the models was trained on.

    Args:
        rules: What is asked for.
        actual: Shape (rows,).
        predictions: By role, shape (rows,): challenger, baseline, and champion if there is one.
        blocks: Shape (rows,), the number of the day that each row belongs to.
        slices: By column, shape (rows,), the values by which the deciding figure is also told.
        further: What other gates said, which count as much.

    Raises:
        DataError: DATA_EMPTY, there are no rows.
        DefinitionError: DEFINITION_RANGE, no such figure.
    """
    truth, of_day = np.asarray(actual, dtype=np.float64), np.asarray(blocks, dtype=np.int64)
    if not truth.size:
        raise DataError(Code.DATA_EMPTY, "must have rows to be compared on, got none", where="holdout")
    scored = score(rules.metric, truth, predictions, of_day, unit=rules.unit)
    parts = list(sliced(scored, slices or {}))
    gates = [*_gates(rules, scored, parts, slices or {}), *further]
    metrics = _figures(scored, rules.report)
    for part in parts:
        metrics.update({f"{role}[{part.name}]": found for role, found in _defined(part.scored).items()})
    verdict = next((one for one in _GRAVEST_FIRST if one in {gate.verdict for gate in gates}), Verdict.PASS)
    return Judgement(metrics, tuple(gates), verdict, _sentence(scored, gates, verdict))


def _gates(rules: Rules, scored: Scored, parts: Sequence[Slice], columns: Mapping[str, Sequence[object]]) -> Iterator[GateResult]:
    yield baseline_gate(scored, share=rules.baseline)
    yield champion_gate(scored, rule=rules.champion, margin=rules.margin)
    if rules.floor:
        within, share = rules.floor
        yield floor_gate(scored, within=within, share=share)
    if rules.calibration:
        error, slope = rules.calibration
        yield calibration_gate(scored, error=error, slope=slope)
    if rules.slices:
        margin, rows = rules.slices
        yield slices_gate(parts, margin=margin, minimum_rows=rows, beyond=overlooked(columns, minimum_rows=rows))


def _figures(scored: Scored, report: Sequence[str]) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {role: {} for role in scored.predictions}
    for name in dict.fromkeys((scored.metric, *map(str, report))):
        also = scored if name == scored.metric else score(name, scored.actual, scored.predictions, scored.days)
        for role, figures in _defined(also).items():
            found[role] |= figures
    return found


def _defined(scored: Scored) -> dict[str, dict[str, Estimate]]:
    """Return the figure by role and name, where it is defined."""
    return {
        role: {scored.metric: estimate(figures, scored.day_count)}
        for role, figures in scored.figures.items()
        if np.isfinite(figures[0])
    }


def _sentence(scored: Scored, gates: Sequence[GateResult], verdict: Verdict) -> str:
    figures = ", ".join(f"{role} {number(float(found[0]))}{scored.unit}" for role, found in scored.figures.items())
    named = ", ".join(gate.gate for gate in gates if gate.verdict is verdict)
    outcome = {
        Verdict.PASS: f"The challenger passes every gate ({named})",
        Verdict.FAIL: f"The challenger fails at {named}",
        Verdict.INCONCLUSIVE: f"Whether the challenger passes is inconclusive at {named}",
        Verdict.ERROR: f"Whether the challenger passes cannot be told at {named}",
    }[verdict]
    return f"{outcome}, with {scored.metric} {figures} on {scored.actual.size} rows of {days(scored.day_count)}."
