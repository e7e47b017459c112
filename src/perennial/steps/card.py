"""card: everything that is known of one version, to be read by whoever has to trust it."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.core.receipts import Approval, Evaluation, ModelVersion, Promotion, Receipt, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.cards import judged, made
from perennial.steps.cards.described import described, fitted
from perennial.steps.cards.learnt import learnt
from perennial.steps.cards.limits import limits
from perennial.steps.cards.record import Described, Fitted, Learnt, Reign
from perennial.steps.champion import promoted_with


class Card(Receipt):
    """A model card.

    All of it is in the ledger and its artifacts. *evaluation* is the one that the version became
    champion with, else its last one, out of *evaluations*.
    """

    version: ModelVersion
    described: Described
    fitted: Fitted
    snapshot: Snapshot
    validation: Validation
    learnt: Learnt
    evaluation: Evaluation | None
    evaluations: int
    approvals: tuple[Approval, ...]
    reigns: tuple[Reign, ...]
    limits: tuple[str, ...]

    def markdown(self) -> str:
        """Return the card in Markdown. Whatever comes from a definition or from data is text in it, never markup."""
        parts = (
            made.head(self.version, self.described),
            made.purpose(self.described),
            made.model(self.described, self.fitted, self.version),
            made.data(self.described, self.version, self.snapshot, self.validation),
            made.refused(self.validation),
            made.ranges(self.learnt),
            judged.figures(self.evaluation),
            judged.slices(self.evaluation),
            judged.gates(self.evaluation, self.evaluations),
            judged.importance(self.evaluation),
            judged.history(self.reigns, self.approvals),
            judged.limits(self.limits),
            made.software(self.fitted, self.version),
        )
        return "\n\n".join(part for part in parts if part) + "\n"


def card(definition: Definition, stores: Stores, version_id: str) -> Card:
    """Return the card of a version. It is made of what was recorded, so that it is the same whenever it is asked for.

    Only a later evaluation, approval or promotion of the version adds to it. Where *definition* is another one by now than it was
    trained by, the card says so, and tells the one of then; where that was not kept, it tells *definition*, and says that.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT: the manifest or the profile is not what was stored.
        RejectedError: MODEL_UNKNOWN.
    """
    version = stores.ledger.get(ModelVersion, version_id)
    validation = stores.ledger.get(Validation, version.validation)
    evaluations = [row for row in stores.ledger.history(Evaluation, version.model, version.segment) if row.challenger == version.id]
    evaluation = promoted_with(stores, version) or (evaluations[-1] if evaluations else None)
    says, held = described(definition, stores, version), learnt(stores, version)
    return Card(
        version=version,
        described=says,
        fitted=fitted(stores, version),
        snapshot=stores.ledger.get(Snapshot, version.snapshot),
        validation=validation,
        learnt=held,
        evaluation=evaluation,
        evaluations=len(evaluations),
        approvals=tuple(_approvals(stores, version, {row.id for row in evaluations})),
        reigns=tuple(_reigns(stores, version)),
        limits=tuple(limits(says, held, version, validation, evaluation)),
    )


def _approvals(stores: Stores, version: ModelVersion, evaluations: set[str]) -> Iterator[Approval]:
    for approval in stores.ledger.history(Approval, version.model, version.segment):
        if approval.evaluation in evaluations:
            yield approval


def _reigns(stores: Stores, version: ModelVersion) -> Iterator[Reign]:
    """Yield the promotions of *version*. A row ends where one of a later epoch takes effect, be that at its own beginning."""
    promotions = stores.ledger.history(Promotion, version.model, version.segment)
    for row in promotions:
        if row.version == version.id:
            later = [max(row.effective_from, other.effective_from) for other in promotions if other.epoch > row.epoch]
            yield Reign(promotion=row, until=min(later, default=None))
