"""What a challenger may cost: how long it takes to fit and to predict, and how much memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        beside_champion: Times what the champion took, of each of these: seconds and bytes for the fit, seconds for 1 000 rows, and
            bytes for loading and predicting.
    """

    fit: float | None = None
    predict: float | None = None
    memory: int | None = None
    beside_baseline: float | None = None
    beside_champion: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a version took; None where it was not measured.

    Attributes:
        fit_seconds: Seconds for the fit.
        fit_memory: The most memory of the fit, in bytes.
        use: What loading and predicting took.
    """

    fit_seconds: float | None
    fit_memory: int | None
    use: Cost | None

    @property
    def thousand_seconds(self) -> float | None:
        """Seconds for 1 000 rows."""
        return self.use.thousand_seconds if self.use else None

    @property
    def use_memory(self) -> int | None:
        """The most memory of loading and predicting, in bytes."""
        return self.use.memory if self.use else None


def budget_gates(budget: Budget, spent: Spent, champion: Spent | None = None) -> Iterator[GateResult]:
    """Hold what was measured against each figure of a *budget*. Each sentence also says how many times the champion's it is.

    Args:
        budget: What is asked for.
        spent: What the challenger took. What was not measured is an error of its gate.
        champion: What the champion took, where there is one.

    Yields:
        A gate ``budget.<figure>`` for each figure that is given.
    """
    beside = champion or Spent(fit_seconds=None, fit_memory=None, use=None)
    fit = _figure("the fit took", spent.fit_seconds, beside.fit_seconds, seconds)
    thousand = _figure("1 000 rows take", spent.thousand_seconds, beside.thousand_seconds, seconds)
    fit_memory = _figure("the fit took", spent.fit_memory, beside.fit_memory, _of_memory)
    use_memory = _figure("loading and predicting took", spent.use_memory, beside.use_memory, _of_memory)
    if budget.fit is not None:
        yield _at_most("fit", [fit], budget.fit, seconds)
    if budget.predict is not None:
        yield _at_most("predict", [thousand], budget.predict, seconds)
    if budget.memory is not None:
        yield _at_most("memory", [fit_memory, use_memory], budget.memory, _size)
    if budget.beside_baseline is not None:
        trivial = spent.use.baseline_seconds if spent.use else None
        baseline = _figure("1 000 rows take", spent.thousand_seconds, trivial, seconds, "baseline")
        yield _times("beside_baseline", [baseline], budget.beside_baseline)
    if budget.beside_champion is not None:
        every = [fit, fit_memory, thousand, use_memory]
        yield _times("beside_champion", every, budget.beside_champion) if champion else _alone()


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure of the challenger, that of another model, and the words about both."""

    value: float | None
    other: float | None
    words: str

    @property
    def times(self) -> float | None:
        return self.value / self.other if self.value is not None and self.other else None


def _figure(what: str, value: float | None, other: float | None, write: Callable[[float], str], whose: str = "champion") -> _Figure:
    found = _Figure(value, other, f"{what} {'an unknown amount' if value is None else write(value)}")
    if found.times is None or other is None:
        return found
    return _Figure(value, other, f"{found.words}, {number(found.times)} times the {whose}'s {write(other)}")


def _at_most(name: str, found: list[_Figure], most: float, write: Callable[[float], str]) -> GateResult:
    values = [one.value for one in found if one.value is not None]
    if len(values) < len(found):
        return _unmeasured(name, write(most))
    return _gate(name, found, write(most), kept=max(values) <= most)


def _times(name: str, found: list[_Figure], most: float) -> GateResult:
    """Hold the figures against those of another model, of which some may not have been measured."""
    if any(one.value is None for one in found):
        return _unmeasured(name, f"{number(most)} times")
    times = [one.times for one in found if one.times is not None]
    if not times:
        told = f"What the other model took was not measured, so there is nothing to be held against: {_OUTCOMES[Verdict.PASS]}."
        return GateResult(gate=f"budget.{name}", verdict=Verdict.PASS, sentence=told)
    return _gate(name, [one for one in found if one.times is not None], f"{number(most)} times", kept=max(times) <= most)


def _alone() -> GateResult:
    told = f"No champion takes part, so there is none to be held against: {_OUTCOMES[Verdict.PASS]}."
    return GateResult(gate="budget.beside_champion", verdict=Verdict.PASS, sentence=told)


def _unmeasured(name: str, most: str) -> GateResult:
    sentence = f"What the challenger took was not measured, asked for: at most {most}: cannot be told."
    return GateResult(gate=f"budget.{name}", verdict=Verdict.ERROR, sentence=sentence)


def _gate(name: str, found: list[_Figure], most: str, *, kept: bool) -> GateResult:
    verdict = Verdict.PASS if kept else Verdict.FAIL
    told = "; ".join(one.words for one in found)
    sentence = f"{told[0].upper()}{told[1:]}; asked for: at most {most}: {_OUTCOMES[verdict]}."
    return GateResult(gate=f"budget.{name}", verdict=verdict, sentence=sentence)


def _of_memory(size: float) -> str:
    return f"{_size(size)} of memory"


def _size(size: float) -> str:
    return mebibytes(int(size))


_OUTCOMES = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}
