"""What the definition and the signed manifest say of a version."""

from __future__ import annotations

from perennial.core.receipts import ModelVersion
from perennial.definition.models import Definition
from perennial.learning.manifest import unsealed
from perennial.ports import Stores
from perennial.steps.cards.record import Described, Fitted
from perennial.steps.kept_definition import kept_definition


def described(definition: Definition, stores: Stores, version: ModelVersion) -> Described:
    """Return what the definition said when *version* was trained; where that was not kept, what *definition* says now.

    Raises:
        ArtifactError: ARTIFACT_CHECKSUM.
    """
    changed, then = definition.digest != version.definition_digest, kept_definition(definition, stores, version)
    definition = then or definition
    estimator = definition.estimator.model_dump(mode="json")
    label = definition.label.model_dump(mode="json")
    return Described(
        title=definition.title,
        purpose=definition.purpose,
        owner=definition.owner,
        kpi=definition.kpi.name,
        approximation=definition.kpi.approximation,
        estimator=estimator["path"],
        parameters=estimator["parameters"],
        search=estimator["search"],
        connection=definition.source.connection,
        relation=definition.source.relation,
        label=label["column"],
        label_delay=label["delay"],
        label_latest=label["latest"],
        metric=definition.evaluation.figure(definition.evaluation.metric),
        changed=changed,
        of_then=then is not None,
    )


def fitted(stores: Stores, version: ModelVersion) -> Fitted:
    """Return what the manifest of *version* says.

    The key is not asked for, as it may have been another one then: the digest by which the ledger names the manifest vouches for
    it, and nothing is loaded.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT.
    """
    body = unsealed(stores.artifacts.get(version.artifact), f"model {version.artifact[:12]}")
    columns = body["columns"]
    return Fitted(
        task=body["task"],
        numeric=columns["numeric"],
        categorical=columns["categorical"],
        time=columns["time"],
        timezone=columns["timezone"],
        versions=body["versions"],
        other_versions=body["other_versions"],
    )
