"""costs: what a version took, beside what the definition's budget allows and what the champion took."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.core.receipts import Cost, Evaluation, GateResult, ModelVersion
from perennial.definition.models import Definition
from perennial.learning.budget import Budget, Spent, budget_gates
from perennial.ports import Stores


def judged_by_budget(
    definition: Definition, stores: Stores, version: ModelVersion, cost: Cost, champion: ModelVersion | None
) -> Iterator[GateResult]:
    """Yield what the definition's budget says of a version, a gate for each figure that it gives.

    Args:
        definition: The model.
        stores: Where the champion's own evaluation is.
        version: The version.
        cost: What loading it and predicting with it took.
        champion: The version that it wants to replace, also where that one cannot predict here any more.
    """
    given = definition.evaluation.gates.budget
    if given is None:
        return
    budget = Budget(
        fit=given.fit.total_seconds() if given.fit else None,
        predict=given.predict.total_seconds() if given.predict else None,
        memory=given.memory,
        beside_baseline=given.beside_baseline,
        beside_champion=given.beside_champion,
    )
    yield from budget_gates(budget, _spent(version, cost), _spent(champion, _measured(stores, champion)) if champion else None)


def _spent(version: ModelVersion, cost: Cost | None) -> Spent:
    return Spent(fit_seconds=version.fit_seconds, fit_memory=version.fit_memory, use=cost)


def _measured(stores: Stores, version: ModelVersion) -> Cost | None:
    """Return what using *version* took when it was last tried; None where it never was."""
    evaluations = stores.ledger.history(Evaluation, version.model, version.segment)
    return next((row.cost for row in reversed(evaluations) if row.challenger == version.id and row.cost), None)
