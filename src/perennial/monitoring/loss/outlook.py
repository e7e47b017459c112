"""The outlook: what a champion predicts, and what comes true, as far as it was seen on rows that it was not trained on."""

from __future__ import annotations

from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.monitoring.loss.losses import LossOutlook
from perennial.monitoring.stored import Stored

PREDICTION, LABEL = "prediction", "label"


class Outlook(Stored):
    """What predictions and labels look like where nothing has drifted.

    Attributes:
        reference: Of the columns ``prediction`` and ``label``, over the holdout. On the rows that a model was trained on, its
            predictions look better than they ever will again.
        losses: What the watched loss is like there; None where nobody looked.
    """

    reference: Reference
    losses: LossOutlook | None = None

    @property
    def unpacked_bytes(self) -> int:
        """About how much memory the counts take."""
        return self.reference.unpacked_bytes

    def of(self, name: str) -> Reference:
        """Return the reference of one of the two columns, *name*."""
        edges = self.reference.edges.only(lambda column: column.name == name)

        def only(profile: Profile) -> Profile:
            return profile.model_copy(update={"edges": edges.digest, "counts": {name: profile.counts[name]}})

        return Reference(
            edges=edges,
            total=only(self.reference.total),
            nights={night: only(profile) for night, profile in self.reference.nights.items()},
            moments={key: moments for key, moments in self.reference.moments.items() if key == name},
            nights_a_day=self.reference.nights_a_day,
        )
