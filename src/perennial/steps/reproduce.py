"""reproduce: train again what was trained before, and say whether the same came out. Nothing is recorded or kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from perennial import __version__
from perennial.core.codes import Code
from perennial.core.errors import Fault, RejectedError
from perennial.core.receipts import ALL, ModelVersion, Receipt, Snapshot, Validation
from perennial.definition.models import Definition
from perennial.learning.manifest import other_versions, unsealed, versions
from perennial.ports import Artifacts, Stores
from perennial.steps.kept_definition import kept_definition
from perennial.steps.train import trained
from perennial.steps.unkept import Unkept
from perennial.steps.unless_lost import unless_lost


class Reproduction(Receipt):
    """Whether a training gave the same bytes again, and if not, what is different."""

    version: str
    training_run: str
    equal: bool
    differences: tuple[str, ...]
    sentence: str


def reproduce(definition: Definition, stores: Stores, *, run: str) -> Reproduction:
    """Train again from the snapshot, the validation and the seed of *run*, and compare model, baseline and profile by digest.

    Where *definition* is another one by now, the one that was kept with the run is used, and the sentence says so.

    Args:
        definition: The model.
        stores: Where from. Nothing is written: what is fitted is forgotten.
        run: The id of a training run, or of the version that came of it, in any segment.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, the snapshot is not what it was.
        RejectedError: MODEL_UNKNOWN, there is no such run; REPRODUCE_REFUSED, code or libraries are others now, or
            the definition is, and the one of then is lost.
    """
    recorded = _recorded(definition, stores, run)
    then = kept_definition(definition, stores, recorded)
    _require_same(then or definition, stores, recorded)
    unkept = Unkept(stores.artifacts, stores.scratch)
    made = trained(
        then or definition,
        recorded.interval,
        replace(stores, artifacts=unkept),
        snapshot=stores.ledger.get(Snapshot, recorded.snapshot),
        validation=stores.ledger.get(Validation, recorded.validation),
        reason=recorded.reason,
        request=recorded.request,
    )
    differences = tuple(_differences(stores.artifacts, unkept, recorded, made))
    return Reproduction(
        version=recorded.id,
        training_run=recorded.training_run,
        equal=not differences,
        differences=differences,
        sentence=_sentence(recorded, differences, changed=definition.digest != recorded.definition_digest),
    )


def _recorded(definition: Definition, stores: Stores, run: str) -> ModelVersion:
    """Return the version of *run*.

    Raises:
        RejectedError: MODEL_UNKNOWN.
    """
    segments = dict.fromkeys((*definition.segment_names, ALL))  # before it had segments, it had one model for all
    known = (row for segment in segments for row in stores.ledger.history(ModelVersion, definition.name, segment))
    found = next((row for row in known if run in (row.id, row.training_run)), None)
    if found is None:
        message = "there is no training run or version of this name"
        raise RejectedError(Code.MODEL_UNKNOWN, message, where=f"{definition.name}: {run}")
    return found


def _require_same(definition: Definition, stores: Stores, recorded: ModelVersion) -> None:
    """Refuse where another result is certain before a row is read: the digests cover all of these.

    Raises:
        RejectedError: REPRODUCE_REFUSED, everything that differs at once.
    """
    manifest = _body(stores.artifacts, recorded.artifact) or {}
    then = {
        "definition": recorded.definition_digest[:12],
        "perennial": recorded.code_version,
        **manifest.get("versions", {}),
        **manifest.get("other_versions", {}),
    }
    now = {"definition": definition.digest[:12], "perennial": __version__, **versions(), **other_versions()}
    faults = [
        Fault(Code.REPRODUCE_REFUSED, f"was {found} when {recorded.id} was trained, is {now.get(name, 'not there')} now", name)
        for name, found in then.items()
        if found != now.get(name)
    ]
    if faults:
        raise RejectedError.of(faults, fix="run it with the definition of then and the environment of then")


def _differences(before: Artifacts, after: Artifacts, recorded: ModelVersion, made: ModelVersion) -> Iterator[str]:
    for name, then, now in (
        ("model", recorded.artifact, made.artifact),
        ("baseline", recorded.baseline, made.baseline),
    ):
        if then != now:
            yield f"{name}: {_unlike(_body(before, then), _body(after, now))}: {then} then, {now} now"
    if recorded.profile != made.profile:
        yield f"reference profile: other counts: {recorded.profile} then, {made.profile} now"


def _unlike(then: dict[str, Any] | None, now: dict[str, Any] | None) -> str:
    """Return in words what two manifests do not have in common."""
    if then is None or now is None:
        return "the manifest of then is lost"
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return f"other {', '.join(names)}" if names else "the same, but signed with another key"


def _body(artifacts: Artifacts, manifest: str) -> dict[str, Any] | None:
    """Return what a model's manifest says, whatever key it was signed with; None where it is lost."""
    return unless_lost(lambda: unsealed(artifacts.get(manifest), f"model {manifest[:12]}"))


def _sentence(recorded: ModelVersion, differences: tuple[str, ...], *, changed: bool) -> str:
    by = " by the definition of then, which has changed since" if changed else ""
    if not differences:
        return f"{recorded.id} was reproduced{by}: model, baseline and reference profile have the same digests"
    return f"{recorded.id} was not reproduced{by}: {'; '.join(differences)}"
