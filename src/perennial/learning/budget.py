"""What a challenger may cost: how long it takes to fit and to predict, and how much memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perennial.core.receipts import Cost, GateResult, Verdict
from perennial.learning.words import mebibytes, number, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a challenger may cost at most; None where it does not matter.

    Attributes:
        fit: Seconds for the fit.
        predict: Seconds for 1 000 rows.
        memory: Bytes, for the fit and for loading and predicting, each.
        beside_baseline: Times the baseline's seconds for the same 1 000 rows.
    """

    fit: float | None = None
    predict: float | None = None
    memory: int | None = None
    beside_baseline: float | None = None


def budget_gates(budget: Budget, cost: Cost, *, fit_seconds: float | None, fit_memory: int | None) -> Iterator[GateResult]:
    """Hold what was measured against each figure of a *budget*.

    Args:
        budget: What is asked for.
        cost: What loading and predicting took.
        fit_seconds: How long the fit took; None where it was not measured, which is an error of that gate.
        fit_memory: The most memory of the fit, in bytes; None likewise.

    Yields:
        A gate ``budget.<figure>`` for each figure that is given.
    """
    thousand = f"1 000 rows take {seconds(cost.thousand_seconds)}"
    if budget.fit is not None:
        told = None if fit_seconds is None else f"The fit took {seconds(fit_seconds)}"
        yield _gate("fit", told, seconds(budget.fit), kept=(fit_seconds or 0) <= budget.fit)
    if budget.predict is not None:
        yield _gate("predict", thousand, seconds(budget.predict), kept=cost.thousand_seconds <= budget.predict)
    if budget.memory is not None:
        told = None if fit_memory is None else _peaks(fit_memory, cost.memory)
        yield _gate("memory", told, mebibytes(budget.memory), kept=max(fit_memory or 0, cost.memory) <= budget.memory)
    if budget.beside_baseline is not None:
        times = cost.thousand_seconds / cost.baseline_seconds
        told = f"{thousand}, {number(times)} times the baseline's {seconds(cost.baseline_seconds)}"
        yield _gate("beside_baseline", told, f"{number(budget.beside_baseline)} times", kept=times <= budget.beside_baseline)


def _peaks(fit: int, use: int) -> str:
    return f"The fit took {mebibytes(fit)} of memory, loading and predicting {mebibytes(use)}"


def _gate(figure: str, told: str | None, most: str, *, kept: bool) -> GateResult:
    name = f"budget.{figure}"
    if told is None:
        sentence = f"What the fit took was not measured, asked for: at most {most}: cannot be told."
        return GateResult(gate=name, verdict=Verdict.ERROR, sentence=sentence)
    verdict = Verdict.PASS if kept else Verdict.FAIL
    sentence = f"{told}, asked for: at most {most}: {'passed' if kept else 'failed'}."
    return GateResult(gate=name, verdict=verdict, sentence=sentence)
