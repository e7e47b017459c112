"""The definition that a version was trained by, whatever its file says by now."""

from __future__ import annotations

from pydantic import ValidationError

from perennial.core.receipts import ModelVersion
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.unless_lost import unless_lost


def kept_definition(definition: Definition, stores: Stores, version: ModelVersion) -> Definition | None:
    """Return the definition that *version* was trained by: *definition* itself, or the one that was kept then.

    None where *definition* is another one, and that of then is lost, or is none any more to this code.

    Raises:
        ArtifactError: ARTIFACT_CHECKSUM.
    """
    if definition.digest == version.definition_digest:
        return definition
    try:
        return unless_lost(lambda: Definition.model_validate_json(stores.artifacts.get(version.definition_digest)))
    except ValidationError:
        return None
