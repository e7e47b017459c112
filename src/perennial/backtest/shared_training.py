"""Extracts, checks, fits and evaluations, each made once for all policies that ask for the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from perennial.backtest.memo import Memo
from perennial.core.digest import digest_json
from perennial.core.interval import Interval, iso
from perennial.core.receipts import ALL, Evaluation, ModelVersion, Purpose, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.learning.codec import artifact_of
from perennial.ports import Stores
from perennial.steps.champion import champion_of, effective_from, promoted_with, version_of
from perennial.steps.checking.faulty_nights import LONGEST_NIGHT
from perennial.steps.evaluate import evaluate
from perennial.steps.extract import extract
from perennial.steps.judging.infrastructure import infrastructure
from perennial.steps.snapshots.parts import parts_of
from perennial.steps.snapshots.rows import clean_rows
from perennial.steps.train import trained
from perennial.steps.validate import validate


@dataclass(frozen=True, slots=True)
class SharedTraining:
    """The steps of a retraining.

    Attributes:
        memo: What was made.
        definition: The definition without any policy: versions that are alike have one name under all policies.
    """

    memo: Memo
    definition: Definition

    def extract(
        self, definition: Definition, interval: Interval, stores: Stores, *, purpose: Purpose, as_of: datetime, segment: str = ALL
    ) -> Snapshot:
        """Extract as the step does; see ``steps.extract``."""
        key = self.memo.key("extract", segment, str(interval), purpose.value, iso(as_of))
        found = self.memo.once(
            Snapshot,
            key,
            lambda draft: extract(definition, interval, draft, purpose=purpose, as_of=as_of, segment=segment),
            stores,
            lambda snapshot: _parts(stores, snapshot),
        )
        return stores.ledger.record(found)

    def validate(self, definition: Definition, interval: Interval, stores: Stores, *, snapshot: Snapshot) -> Validation:
        """Validate as the step does; see ``steps.validate``. It depends on the champion, or on the nights of the window."""
        looked_at = _usual(stores, snapshot) if snapshot.purpose is Purpose.SCORE else list(_refused_nights(stores, snapshot))
        key = self.memo.key("validate", snapshot.digest, looked_at)
        found = self.memo.once(
            Validation,
            key,
            lambda draft: validate(definition, interval, draft, snapshot=snapshot),
            stores,
            lambda validation: [validation.quarantine, validation.usual],
        )
        return stores.ledger.record(found)

    def train(
        self,
        definition: Definition,
        interval: Interval,
        stores: Stores,
        *,
        snapshot: Snapshot,
        validation: Validation,
        reason: str,
        request: str | None = None,
    ) -> ModelVersion:
        """Train as the step does; see ``steps.train``."""
        del definition  # the policy's; the fit does not depend on it
        key = self.memo.key("train", snapshot.digest, validation.id)
        found = self.memo.once(
            ModelVersion,
            key,
            lambda draft: trained(self.definition, interval, draft, snapshot=snapshot, validation=validation, reason=""),
            stores,
            lambda version: _files(stores, version),
        )
        return stores.ledger.record(found.model_copy(update={"reason": reason, "request": request}))

    def evaluate(
        self,
        definition: Definition,
        interval: Interval,
        stores: Stores,
        *,
        snapshot: Snapshot,
        validation: Validation,
        version: ModelVersion,
    ) -> Evaluation:
        """Evaluate as the step does; see ``steps.evaluate``. It depends on the champion."""
        return stores.ledger.record(
            self._evaluated(definition, interval, stores, snapshot=snapshot, validation=validation, version=version)
        )

    def pass_all(
        self,
        definition: Definition,
        interval: Interval,
        stores: Stores,
        *,
        snapshot: Snapshot,
        validation: Validation,
        version: ModelVersion,
    ) -> Evaluation:
        """Evaluate, and let the challenger pass whatever the gates say, unless no fresh process can load it."""
        found = self._evaluated(definition, interval, stores, snapshot=snapshot, validation=validation, version=version)
        return stores.ledger.record(waived(found))

    def ahead(self, definition: Definition, window: Interval, stores: Stores, *, as_of: datetime, segment: str) -> None:
        """Do what a retraining will ask for that does not depend on its champion, so that it is on the shelf by then."""
        snapshot = self.extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=as_of, segment=segment)
        validation = self.validate(definition, window, stores, snapshot=snapshot)
        version = self.train(definition, window, stores, snapshot=snapshot, validation=validation, reason="")
        infrastructure(definition, stores, version, clean_rows(definition, stores, snapshot, validation))

    def _evaluated(
        self,
        definition: Definition,
        interval: Interval,
        stores: Stores,
        *,
        snapshot: Snapshot,
        validation: Validation,
        version: ModelVersion,
    ) -> Evaluation:
        promoted = promoted_with(stores, version)
        if promoted is not None:
            return promoted
        standing = stores.ledger.champion(definition.name, snapshot.segment, at=effective_from(interval, snapshot.as_of))
        gates = definition.evaluation.gates.model_dump(mode="json")
        key = self.memo.key("evaluate", gates, version.id, standing.version if standing else None, validation.id)
        return self.memo.once(
            Evaluation,
            key,
            lambda draft: evaluate(definition, interval, draft, snapshot=snapshot, validation=validation, version=version),
            stores,
            lambda evaluation: [evaluation.outlook],
        )


def waived(evaluation: Evaluation) -> Evaluation:
    """Return *evaluation* as one that passes whatever the gates say, unless no fresh process can load the challenger."""
    if evaluation.verdict is Verdict.PASS or evaluation.cost is None:
        return evaluation
    sentence, known_as = f"No gate is asked. {evaluation.sentence}", digest_json(["waived", evaluation.id])[:32]
    return evaluation.model_copy(update={"verdict": Verdict.PASS, "sentence": sentence, "id": known_as})


def _parts(stores: Stores, snapshot: Snapshot) -> Iterator[str]:
    yield snapshot.digest
    parts = parts_of(stores.artifacts, snapshot.digest)
    yield from (part.digest for part in (*parts.rows, *parts.labels))


def _files(stores: Stores, version: ModelVersion) -> Iterator[str | None]:
    yield from (version.profile, version.sample)
    for manifest in (version.artifact, version.baseline):
        yield manifest
        yield artifact_of(stores.artifacts.get(manifest))


def _usual(stores: Stores, snapshot: Snapshot) -> list[str | None]:
    """Return what a night is held against: what was usual in the window of its champion."""
    version = version_of(stores, champion_of(stores, snapshot.model, snapshot.segment, snapshot.interval))
    return [] if version is None else [stores.ledger.get(Validation, version.validation).usual]


def _refused_nights(stores: Stores, snapshot: Snapshot) -> Iterator[list[str | None]]:
    """Yield the nights of a window of which something was refused, each with its verdict and its quarantine."""
    begun = Interval(snapshot.interval.start - LONGEST_NIGHT, snapshot.interval.end)
    last = {
        night.interval: night
        for night in stores.ledger.history(Validation, snapshot.model, snapshot.segment, within=begun)
        if night.purpose is Purpose.SCORE and night.as_of <= snapshot.as_of
    }
    for interval, night in last.items():
        if night.verdict is not Verdict.PASS or night.quarantine is not None:
            yield [str(interval), night.verdict.value, night.quarantine]
