"""The versions of a model and segment, and two of them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from perennial.core.receipts import Approval, Estimate, Evaluation, GateResult, ModelVersion, Promotion, Receipt


class VersionRow(Receipt):
    """A version with its last evaluation, the epochs in which it was champion, and people's answers to it."""

    version: ModelVersion
    evaluation: Evaluation | None
    epochs: tuple[int, ...]
    approvals: tuple[Approval, ...] = ()

    @property
    def metrics(self) -> Mapping[str, Estimate]:
        """Its own figures, by name; none where it was not evaluated."""
        return self.evaluation.metrics.get("challenger", {}) if self.evaluation else {}

    @property
    def failed(self) -> tuple[GateResult, ...]:
        """The gates that it did not pass."""
        return tuple(gate for gate in self.evaluation.gates if gate.verdict != "pass") if self.evaluation else ()


class Beside(Receipt):
    """Two versions side by side, as each was recorded: on its own holdout, unless both were compared on the same rows.

    *same_rows* says so. *metrics* has the figures of both, by name.
    """

    one: VersionRow
    other: VersionRow
    metrics: dict[str, tuple[Estimate | None, Estimate | None]]
    importance: dict[str, tuple[float | None, float | None]]
    gates: dict[str, tuple[str | None, str | None]]
    same_rows: bool


def version_rows(
    versions: Iterable[ModelVersion],
    evaluations: Iterable[Evaluation],
    promotions: Sequence[Promotion],
    approvals: Iterable[Approval],
) -> list[VersionRow]:
    """Return the versions, the newest first."""
    judged = {row.challenger: row for row in evaluations}
    answered: dict[str, list[Approval]] = {}
    for approval in approvals:
        answered.setdefault(approval.evaluation, []).append(approval)
    rows = []
    for version in versions:
        evaluation = judged.get(version.id)
        epochs = tuple(row.epoch for row in promotions if row.version == version.id)
        said = tuple(answered.get(evaluation.id, ())) if evaluation else ()
        rows.append(VersionRow(version=version, evaluation=evaluation, epochs=epochs, approvals=said))
    return rows[::-1]


def beside(one: VersionRow, other: VersionRow) -> Beside:
    """Return two versions side by side. Where the first was compared with the second, the figures are of the same rows."""
    first, second = dict(one.metrics), dict(other.metrics)
    met = one.evaluation is not None and one.evaluation.champion == other.version.id and "champion" in one.evaluation.metrics
    if met and one.evaluation is not None:
        second = one.evaluation.metrics["champion"]
    met = met or _same_rows(one.evaluation, other.evaluation)
    weights = [
        {name: found.mean for name, found in row.evaluation.importance.items()} if row.evaluation else {} for row in (one, other)
    ]
    gates = [{gate.gate: gate.verdict.value for gate in row.evaluation.gates} if row.evaluation else {} for row in (one, other)]
    return Beside(
        one=one,
        other=other,
        metrics={name: (first.get(name), second.get(name)) for name in dict.fromkeys((*first, *second))},
        importance={name: (weights[0].get(name), weights[1].get(name)) for name in dict.fromkeys((*weights[0], *weights[1]))},
        gates={name: (gates[0].get(name), gates[1].get(name)) for name in dict.fromkeys((*gates[0], *gates[1]))},
        same_rows=met,
    )


def _same_rows(one: Evaluation | None, other: Evaluation | None) -> bool:
    return one is not None and other is not None and (one.snapshot, one.holdout) == (other.snapshot, other.holdout)
