"""The sections of a card that say how a version was judged, what it looks at, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perennial.core.receipts import Approval, Estimate, Evaluation
from perennial.learning.words import ROLES, number
from perennial.steps.cards.escape import escaped
from perennial.steps.cards.layout import at_minute, between, listed, section, table
from perennial.steps.cards.record import Reign

_BAR = 20
"""The length of the longest bar, in characters."""


def figures(evaluation: Evaluation | None) -> str:
    """Write the figures on the holdout, with their intervals."""
    if evaluation is None or not evaluation.metrics:
        return section("Figures", "It was not evaluated." if evaluation is None else "None: it was refused before it predicted.")
    told = f"On {evaluation.rows} held-out rows, {between(evaluation.holdout)}, with 95 % intervals."
    of_role = {role: evaluation.metrics.get(role, {}) for role in ROLES}
    return section("Figures", f"{told}\n\n{_beside('figure', of_role)}")


def slices(evaluation: Evaluation | None) -> str:
    """Write the figure that decides, by slice; nothing where there are none."""
    found = evaluation.on_slices if evaluation else {}
    of_role = {
        role: {f"{about}: {name}": one for about, by_role in found.items() for name, one in by_role.get(role, {}).items()}
        for role in ROLES
    }
    return section("Slices", _beside("slice", of_role)) if any(of_role.values()) else ""


def gates(evaluation: Evaluation | None, evaluations: int) -> str:
    """Write what each gate said."""
    if evaluation is None:
        return ""
    parts = [f"Verdict: {evaluation.verdict}. {escaped(evaluation.sentence)}"]
    if evaluations > 1:
        parts.append(f"Of {evaluations} evaluations this is the one that it became champion with, or the last one.")
    rows = [(gate.gate, gate.verdict.value, gate.sentence) for gate in evaluation.gates]
    return section("Gates", "\n\n".join([*parts, table(("gate", "verdict", "why"), rows)]))


def importance(evaluation: Evaluation | None) -> str:
    """Write by how much the loss grows without each column, with a bar; nothing where that is not known."""
    found = evaluation.ranked if evaluation else []
    if not found:
        return ""
    longest = found[0][1].mean
    rows = [(name, _bar(one.mean, longest), number(one.mean), _ends(one.low, one.high)) for name, one in found]
    told = "By how much the loss that decides grows when a column's values are shuffled among the held-out rows."
    return section("What it looks at", f"{told}\n\n{table(('column', 'importance', 'mean', 'of the shuffles'), rows)}")


def history(reigns: Sequence[Reign], approvals: Sequence[Approval]) -> str:
    """Write when it was champion, and who approved of it."""
    told = table(("epoch", "kind", "in force from", "until", "by", "why"), map(_reign, reigns))
    signed = table(("person", "verdict", "comment"), [(row.actor, row.verdict.value, row.comment or "-") for row in approvals])
    parts = [told if reigns else "It has never been champion.", *([f"Approvals:\n\n{signed}"] if approvals else [])]
    return section("History", "\n\n".join(parts))


def limits(sentences: Sequence[str]) -> str:
    """Write what it has not seen."""
    return section("Limits", listed(sentences))


def _beside(what: str, of_role: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Return a table with a row for each name and a column for each role."""
    names = sorted({name for found in of_role.values() for name in found})
    return table((what, *ROLES.values()), [(name, *(_estimate(of_role[role].get(name)) for role in ROLES)) for name in names])


def _estimate(found: Estimate | None) -> str:
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return number(found.value)
    return f"{number(found.value)} ({_ends(found.low, found.high)})"


def _ends(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def _bar(value: float, longest: float) -> str:
    return "█" * max(round(_BAR * value / longest), 1) if value > 0 else ""


def _reign(one: Reign) -> Sequence[str]:
    row, until = one.promotion, at_minute(one.until) if one.until else "-"
    return str(row.epoch), row.kind.value, at_minute(row.effective_from), until, row.actor, row.reason
