"""Loading a model version through its whole verification, once for as long as the stores are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.ports import Stores

if TYPE_CHECKING:
    from perennial.learning.codec import LoadedModel


def load(stores: Stores, manifest: str) -> LoadedModel:
    """Return the model behind a signed *manifest*.

    Raises:
        ArtifactError: The bytes, the signature, the types or the golden rows are not what was signed.
    """
    from perennial.learning.codec import load_model  # noqa: PLC0415 - skops takes a second to import, and most nights need no second model

    if manifest not in stores.loaded:
        stores.loaded[manifest] = load_model(manifest, key=stores.signing_key, get=stores.artifacts.get)
    loaded: LoadedModel = stores.loaded[manifest]
    return loaded


def fits_environment(stores: Stores, manifest: str) -> bool:
    """Return whether a model was fitted with this Python, numpy and scikit-learn; any other fault of it is raised.

    After an upgrade the champion of before cannot predict any more, and only a retraining can replace it.
    """
    try:
        load(stores, manifest)
    except ArtifactError as error:
        if error.code is Code.ENVIRONMENT_MISMATCH:
            return False
        raise
    return True
