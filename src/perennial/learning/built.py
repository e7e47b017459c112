"""Whether a model that was built out of a file may be run."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.preprocessing import OneHotEncoder

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.learning.encoder_bounds import encoder_fault
from perennial.learning.node_bounds import check_node_bounds
from perennial.learning.object_graph import everything_in
from perennial.learning.refusals import refusals


def check_built(model: BaseEstimator, where: str) -> None:
    """Look at everything in *model* that compiled code would follow, and at what would run elsewhere than here.

    Raises:
        ArtifactError: MODEL_CORRUPT, the first thing that is wrong; ARTIFACT_TOO_LARGE.
    """
    with refusals(Code.MODEL_CORRUPT, "cannot be looked through", where):
        for part in everything_in(model):
            if fault := _fault(part):
                raise ArtifactError(Code.MODEL_CORRUPT, f"must be as it was fitted, got {fault}", where=where)
        check_node_bounds(model, where)


def _fault(part: Any) -> str:  # noqa: ANN401 - a model is made of anything
    if not isinstance(part, BaseEstimator | TreePredictor):
        return ""
    if any(callable(getattr(type(part), name, None)) for name in vars(part)):
        return f"an attribute of {type(part).__name__} in the place of a method"
    if getattr(part, "n_jobs", None) is not None:
        return f"a {type(part).__name__} that would start processes (n_jobs)"
    return encoder_fault(part) if isinstance(part, OneHotEncoder) else ""
