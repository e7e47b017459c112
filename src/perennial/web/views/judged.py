"""What an evaluation measured, as rows of a plot."""

from __future__ import annotations

from collections.abc import Mapping

from perennial.core.receipts import Estimate, Evaluation

SLICES = 20
"""As many are shown; a table has all of them."""
_ROLES = {"challenger": "this version", "champion": "champion then", "baseline": "baseline"}


def judged_rows(evaluation: Evaluation, name: str) -> list[tuple[str, Mapping[str, Estimate]]]:
    """Return a row for each role, then one for each slice with both, of the figure *name*, on the rows held out."""
    whole = [(said, {role: found[name]}) for role, said in _ROLES.items() if name in (found := evaluation.metrics.get(role, {}))]
    slices: dict[str, dict[str, Estimate]] = {}
    for key, found in evaluation.metrics.items():
        role, bracket, rest = key.partition("[")
        if bracket and role in {"challenger", "champion"} and name in found:
            slices.setdefault(rest.removesuffix("]"), {})[role] = found[name]
    ordered = sorted((about, dict(sorted(marks.items(), reverse=True))) for about, marks in slices.items())
    return [*whole, *ordered[:SLICES]]
