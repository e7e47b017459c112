"""incumbent: what the champion predicts on the holdout, or why it cannot, which must not keep a good challenger out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, DataError, DefinitionError
from perennial.core.receipts import ModelVersion
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.judging.holdout import Holdout, beside
from perennial.steps.scoring.models import predict_with

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The rows that are left to judge on, and what the champion predicts there, shape (rows,), where it takes part."""

    holdout: Holdout
    predicted: npt.NDArray[np.float64] | None = None

    @property
    def left_out(self) -> str:
        """Why a champion that there is takes no part; empty where it does, or there is none."""
        return self.holdout.remark if self.predicted is None else ""


def incumbent(definition: Definition, stores: Stores, whole: Holdout, champion: ModelVersion | None) -> Incumbent:
    """Have the champion predict the part of *whole* that it was not trained on.

    One whose artifact is lost or damaged, or that fails on these rows, is left out: it cannot predict the next night either, and
    only another champion ends that. Only a signature that is not this installation's stays an error. It may be the installation
    that has the wrong key, and a challenger that is signed with it would be one that nobody else can load.

    Raises:
        ArtifactError: ARTIFACT_SIGNATURE.
        UnavailableError: A store is away.
    """
    try:
        holdout = beside(definition, stores, whole, champion)
        if holdout.champion is None:
            return Incumbent(holdout)
        return Incumbent(holdout, predict_with(stores, holdout.champion, holdout.rows, task=definition.estimator.task))
    except (ArtifactError, DataError, DefinitionError) as error:
        if champion is None or error.code is Code.ARTIFACT_SIGNATURE:
            raise
        said = "; ".join(str(fault) for fault in error.faults)
        return Incumbent(replace(whole, remark=f"{champion.id} cannot predict here ({said}), so it was left out."))
