"""What a challenger may cost, figure by figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perennial.core.receipts import Cost, Verdict
from perennial.learning.budget import Budget, Spent, budget_gates

GIB = 1 << 30
USE = Cost(load_seconds=0.1, row_seconds=0.001, thousand_seconds=0.02, baseline_seconds=0.004, memory=GIB)
SPENT = Spent(fit_seconds=90.0, fit_memory=2 * GIB, use=USE)
CHEAPER = USE.model_copy(update={"thousand_seconds": 0.01, "memory": GIB // 4})
CHAMPION = Spent(fit_seconds=30.0, fit_memory=2 * GIB, use=CHEAPER)
UNKNOWN = Spent(fit_seconds=None, fit_memory=None, use=None)


def test_every_figure_has_a_gate_and_a_sentence() -> None:
    """Each with what was measured and what was asked for."""
    gates = list(budget_gates(Budget(fit=600.0, predict=0.05, memory=4 * GIB, beside_baseline=10.0), SPENT))
    assert {gate.gate: gate.sentence for gate in gates} == {
        "budget.fit": "The fit took 90 s; asked for: at most 600 s: passed.",
        "budget.predict": "1 000 rows take 20 ms; asked for: at most 50 ms: passed.",
        "budget.memory": (
            "The fit took 2048 MiB of memory; loading and predicting took 1024 MiB of memory; asked for: at most 4096 MiB: passed."
        ),
        "budget.beside_baseline": "1 000 rows take 20 ms, 5 times the baseline's 4 ms; asked for: at most 10 times: passed.",
    }
    assert {gate.verdict for gate in gates} == {Verdict.PASS}


def test_beside_a_champion_every_sentence_says_how_many_times_its_figure_it_is() -> None:
    """Whether or not that is limited."""
    gates = list(budget_gates(Budget(fit=600.0, predict=0.05, memory=4 * GIB, beside_champion=4.0), SPENT, CHAMPION))
    fit, predict = "he fit took 90 s, 3 times the champion's 30 s", "1 000 rows take 20 ms, 2 times the champion's 10 ms"
    fit_memory = "he fit took 2048 MiB of memory, 1 times the champion's 2048 MiB of memory"
    use_memory = "loading and predicting took 1024 MiB of memory, 4 times the champion's 256 MiB of memory"
    assert {gate.gate: gate.sentence for gate in gates} == {
        "budget.fit": f"T{fit}; asked for: at most 600 s: passed.",
        "budget.predict": f"{predict}; asked for: at most 50 ms: passed.",
        "budget.memory": f"T{fit_memory}; {use_memory}; asked for: at most 4096 MiB: passed.",
        "budget.beside_champion": f"T{fit}; t{fit_memory}; {predict}; {use_memory}; asked for: at most 4 times: passed.",
    }


def test_what_is_not_given_does_not_matter() -> None:
    """An empty budget has no gate."""
    assert list(budget_gates(Budget(), SPENT, CHAMPION)) == []


@pytest.mark.parametrize(
    ("kept", "broken"),
    [
        (Budget(fit=90.0), Budget(fit=89.9)),
        (Budget(predict=0.02), Budget(predict=0.0199)),
        (Budget(memory=2 * GIB), Budget(memory=2 * GIB - 1)),
        (Budget(beside_baseline=5.0), Budget(beside_baseline=4.9)),
        (Budget(beside_champion=4.0), Budget(beside_champion=3.9)),
    ],
)
def test_the_limit_itself_is_kept_and_more_is_not(kept: Budget, broken: Budget) -> None:
    """Up to the figure it passes."""
    assert [gate.verdict for gate in budget_gates(kept, SPENT, CHAMPION)] == [Verdict.PASS]
    [gate] = budget_gates(broken, SPENT, CHAMPION)
    assert (gate.verdict, gate.sentence[-7:]) == (Verdict.FAIL, "failed.")


@pytest.mark.parametrize(
    "dearer",
    [
        replace(CHAMPION, fit_seconds=31.0),
        replace(CHAMPION, fit_memory=3 * GIB),
        replace(CHAMPION, use=CHEAPER.model_copy(update={"thousand_seconds": 0.011})),
        replace(CHAMPION, use=CHEAPER.model_copy(update={"memory": GIB})),
    ],
    ids=["time of the fit", "memory of the fit", "time of predicting", "memory of predicting"],
)
def test_each_of_the_champions_figures_counts(dearer: Spent) -> None:
    """A challenger that takes more in one of them than may be fails."""
    [same] = budget_gates(Budget(beside_champion=1.0), CHAMPION, CHAMPION)
    [more] = budget_gates(Budget(beside_champion=1.0), dearer, CHAMPION)
    assert (same.verdict, more.verdict) == (Verdict.PASS, Verdict.FAIL)


def test_without_a_champions_figures_there_is_nothing_to_be_held_against() -> None:
    """The first model, and one whose champion was never measured, are not kept out for that; the sentence says so."""
    [first] = budget_gates(Budget(beside_champion=1.0), SPENT)
    [after] = budget_gates(Budget(beside_champion=1.0), SPENT, UNKNOWN)
    assert (first.verdict, first.sentence) == (
        Verdict.PASS,
        "No champion takes part, so there is none to be held against: passed.",
    )
    assert (after.verdict, after.sentence) == (
        Verdict.PASS,
        "What the other model took was not measured, so there is nothing to be held against: passed.",
    )


def test_of_a_champion_that_was_half_measured_the_other_half_counts() -> None:
    """Here only its fit is known."""
    fitted = replace(UNKNOWN, fit_seconds=30.0)
    [gate] = budget_gates(Budget(beside_champion=2.0), SPENT, fitted)
    assert (gate.verdict, gate.sentence) == (
        Verdict.FAIL,
        "The fit took 90 s, 3 times the champion's 30 s; asked for: at most 2 times: failed.",
    )


def test_the_memory_of_predicting_counts_too() -> None:
    """A model that is small to fit may be large to use."""
    [gate] = budget_gates(Budget(memory=GIB - 1), replace(SPENT, fit_memory=1))
    assert gate.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "budget", [Budget(fit=1.0), Budget(predict=1.0), Budget(memory=1), Budget(beside_baseline=1.0), Budget(beside_champion=1.0)]
)
def test_what_was_not_measured_cannot_be_told(budget: Budget) -> None:
    """It is no pass."""
    [gate] = budget_gates(budget, UNKNOWN, CHAMPION)
    assert gate.verdict is Verdict.ERROR
    assert gate.sentence.startswith("What the challenger took was not measured, asked for: at most ")
