"""What an evaluation measured, as rows of a plot."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.core.receipts import Estimate, Evaluation
from perennial.learning.words import ROLES

SLICES = 20
"""As many are shown; a table has all of them."""
_ON_SLICES = ("champion", "challenger")


def judged_rows(evaluation: Evaluation, name: str) -> list[tuple[str, Mapping[str, Estimate]]]:
    """Return a row for each role, then one for each slice with both, of the figure *name*, on the rows held out."""
    whole = [(said, {role: found[name]}) for role, said in ROLES.items() if name in (found := evaluation.metrics.get(role, {}))]
    slices = ((about, _marks(by_role, name)) for about, by_role in sorted(evaluation.on_slices.items()))
    return [*whole, *[row for row in slices if row[1]][:SLICES]]


def _marks(by_role: Mapping[str, Mapping[str, Estimate]], name: str) -> dict[str, Estimate]:
    return {role: by_role[role][name] for role in _ON_SLICES if name in by_role.get(role, {})}
