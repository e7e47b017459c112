"""A fit that crashes, loops or eats all memory is lost alone; what a fit took stands beside the version."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from perennial.core.errors import TerminalError
from perennial.core.receipts import ModelVersion, Promotion, Publication
from perennial.definition.models import Definition
from perennial.ports import Source, Stores, Workshop
from perennial.steps.loop import score
from perennial.testing import InlineWorkshop
from perennial.testing.story import day, night
from perennial.workshop.done import Done

Define = Callable[..., Definition]
NewStores = Callable[..., Stores]
Retrain = Callable[[Definition, Stores, datetime], Publication]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is no limit of memory that macOS holds to")


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the odd estimators be found."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "files"))


@dataclass
class Overheard:
    """A workshop, with every byte that jobs are handed."""

    workshop: Workshop
    heard: list[bytes] = field(default_factory=list)

    def prepare(self, module: str) -> None:
        """Pass it on."""
        self.workshop.prepare(module)

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, **limits: Any) -> Done:
        """Note what is asked and handed, and pass it on."""
        self.heard += [json.dumps(ask).encode(), *(path.read_bytes() for path in sorted(folder.iterdir()))]
        return self.workshop.run(job, ask, folder, **limits)


def test_promise_11_a_process_of_its_own_makes_the_same_bytes(
    definition: Definition, new_stores: NewStores, retrained: Retrain
) -> None:
    """The fit in the workshop, twice, and the same fit right here are one version."""
    found = []
    for inline in (False, False, True):
        stores = new_stores()
        retrained(definition, replace(stores, workshop=InlineWorkshop()) if inline else stores, day(30))
        [version] = stores.ledger.history(ModelVersion, definition.name)
        found.append(version.model_copy(update={"fit_seconds": None, "fit_memory": None}))
    assert found[1:] == found[:2]


def test_the_signing_key_never_leaves_this_process(definition: Definition, stores: Stores, retrained: Retrain) -> None:
    """Neither a question nor a file that a job is handed holds it."""
    overheard = Overheard(stores.workshop)
    retrained(definition, replace(stores, workshop=overheard), day(30))
    assert len(overheard.heard) > 4
    assert not any(key in heard for key in (stores.signing_key, stores.signing_key.hex().encode()) for heard in overheard.heard)
    assert any(definition.name.encode() in heard for heard in overheard.heard)


@dataclass
class Noted:
    """A workshop, with what it was told before a source was read."""

    workshop: Workshop
    told: list[str]

    def prepare(self, module: str) -> None:
        """Note it."""
        self.told.append(module)
        self.workshop.prepare(module)

    def run(self, job: str, *asked: Any, **limits: Any) -> Done:
        """Pass it on."""
        return self.workshop.run(job, *asked, **limits)


def test_the_workshop_gets_ready_to_fit_before_the_first_row_is_read(
    definition: Definition, stores: Stores, retrained: Retrain
) -> None:
    """So that a fit does not wait for a process that imports what it needs."""
    told: list[str] = []

    def source(name: str) -> Source:
        told.append("source")
        return stores.source(name)

    retrained(definition, replace(stores, source=source, workshop=Noted(stores.workshop, told)), day(30))
    assert told[:2] == ["perennial.steps.jobs.fit", "source"]


def test_what_the_fit_took_stands_beside_the_version(definition: Definition, postgres_stores: Stores, retrained: Retrain) -> None:
    """A second run of the same training takes another time, and what was recorded first stands."""
    retrained(definition, postgres_stores, day(30))
    [first] = postgres_stores.ledger.history(ModelVersion, definition.name)
    retrained(definition, postgres_stores, day(30))
    assert postgres_stores.ledger.history(ModelVersion, definition.name) == [first]
    assert first.fit_seconds is not None
    assert first.fit_memory is not None
    assert 0 < first.fit_seconds < 120
    assert 1 << 16 < first.fit_memory < 1 << 30


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        pytest.param("hungry", "needs more than the 512 MiB of estimator.memory [MEMORY_LIMIT]", marks=LINUX),
        ("crashing", "was ended by SIGSEGV before it was done [MODEL_CRASHED]"),
        ("endless", "took longer than 0.5 s and was stopped [MODEL_TIMEOUT]"),
    ],
)
def test_a_fit_that_breaks_its_process_changes_nothing(
    define: Define, definition: Definition, championed: Stores, retrained: Retrain, estimator: str, told: str
) -> None:
    """It is one clear error; the champion predicts the next night, and the next fit succeeds."""
    before = championed.ledger.history(Promotion, definition.name)
    limits = {"memory": "512MiB", "time": "500ms" if estimator == "endless" else "60s"}
    with pytest.raises(TerminalError) as caught:
        retrained(define(estimator={"path": f"odd_estimators:{estimator}", **limits}), championed, day(33))
    assert str(caught.value) == told
    assert championed.ledger.history(Promotion, definition.name) == before
    score(definition, night(33), championed, as_of=day(34))
    assert championed.ledger.predictions(definition.name, within=night(33)).num_rows == 24
    assert retrained(definition, championed, day(34)).promoted
