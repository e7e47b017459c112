"""Loading a model version through its whole verification, once for as long as the stores are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
