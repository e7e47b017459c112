"""What a challenger may cost, figure by figure."""

from __future__ import annotations

import pytest

from perennial.core.receipts import Cost, GateResult, Verdict
from perennial.learning.budget import Budget, budget_gates

GIB = 1 << 30
COST = Cost(load_seconds=0.1, row_seconds=0.001, thousand_seconds=0.02, baseline_seconds=0.004, memory=GIB)


def judged(budget: Budget, *, fit_seconds: float | None = 90.0, fit_memory: int | None = 2 * GIB) -> list[GateResult]:
    """Return the gates of a budget."""
    return list(budget_gates(budget, COST, fit_seconds=fit_seconds, fit_memory=fit_memory))


def test_every_figure_has_a_gate_and_a_sentence() -> None:
    """Each with what was measured and what was asked for."""
    gates = judged(Budget(fit=600.0, predict=0.05, memory=4 * GIB, beside_baseline=10.0))
    assert {gate.gate: gate.sentence for gate in gates} == {
        "budget.fit": "The fit took 90 s, asked for: at most 600 s: passed.",
        "budget.predict": "1 000 rows take 20 ms, asked for: at most 50 ms: passed.",
        "budget.memory": "The fit took 2048 MiB of memory, loading and predicting 1024 MiB, asked for: at most 4096 MiB: passed.",
        "budget.beside_baseline": "1 000 rows take 20 ms, 5 times the baseline's 4 ms, asked for: at most 10 times: passed.",
    }
    assert {gate.verdict for gate in gates} == {Verdict.PASS}


def test_what_is_not_given_does_not_matter() -> None:
    """An empty budget has no gate."""
    assert judged(Budget()) == []


@pytest.mark.parametrize(
    ("kept", "broken"),
    [
        (Budget(fit=90.0), Budget(fit=89.9)),
        (Budget(predict=0.02), Budget(predict=0.0199)),
        (Budget(memory=2 * GIB), Budget(memory=2 * GIB - 1)),
        (Budget(beside_baseline=5.0), Budget(beside_baseline=4.9)),
    ],
)
def test_the_limit_itself_is_kept_and_more_is_not(kept: Budget, broken: Budget) -> None:
    """Up to the figure it passes."""
    assert [gate.verdict for gate in judged(kept)] == [Verdict.PASS]
    [gate] = judged(broken)
    assert (gate.verdict, gate.sentence[-7:]) == (Verdict.FAIL, "failed.")


def test_the_memory_of_predicting_counts_too() -> None:
    """A model that is small to fit may be large to use."""
    [gate] = judged(Budget(memory=GIB - 1), fit_memory=1)
    assert gate.verdict is Verdict.FAIL


@pytest.mark.parametrize("budget", [Budget(fit=1.0), Budget(memory=1)])
def test_what_was_not_measured_cannot_be_told(budget: Budget) -> None:
    """It is no pass."""
    [gate] = judged(budget, fit_seconds=None, fit_memory=None)
    assert gate.verdict is Verdict.ERROR
    assert gate.sentence.startswith("What the fit took was not measured, asked for: at most ")
