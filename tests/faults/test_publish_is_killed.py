"""Promise 1: after SIGKILL at any point of publish, the champion is exactly one complete, checksum-valid version."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from perennial.core.receipts import Evaluation, ModelVersion, Promotion, Purpose
from perennial.learning.codec import dump_model, load_model
from perennial.learning.features import Columns
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.ledger import PostgresLedger
from perennial.testing import Story

pytestmark = pytest.mark.faults

KEY = b"0123456789abcdef0123456789abcdef"
SCRIPT = Path(__file__).parent / "files" / "publisher.py"
COLUMNS = Columns(numeric=("a",), categorical=(), time=(), event_at="at", timezone="UTC")
OLD, NEW = 0, 7

Publish = Callable[[Evaluation, int], int]


@pytest.fixture
def artifacts(tmp_path: Path) -> DiskArtifacts:
    """Artifacts on the disk."""
    return DiskArtifacts(tmp_path / "artifacts")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[PostgresLedger]:
    """An empty ledger."""
    opened = PostgresLedger.open(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def publish(ledger_url: str, tmp_path: Path, small: dict[str, Any]) -> Iterator[Publish]:
    """Return a function that publishes in a process which is killed at a point, and tells how that process ended."""
    with subprocess.Popen([sys.executable, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(evaluation: Evaluation, point: int) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            ask = {
                "url": ledger_url,
                "artifacts": str(tmp_path / "artifacts"),
                "definition": {**small, "name": evaluation.model},
                "evaluation": json.loads(evaluation.model_dump_json()),
                "point": point,
            }
            print(json.dumps(ask), file=process.stdin, flush=True)
            return int(process.stdout.readline())

        yield run
        process.communicate()


def test_promise_1_a_publish_that_is_killed_leaves_one_complete_champion(
    ledger: PostgresLedger, artifacts: DiskArtifacts, publish: Publish
) -> None:
    """At every call of a store, every statement and every commit; and the publish that follows finishes."""
    champions = []
    for point in count(1):
        story = Story(model=f"killed_at_{point}")
        evaluation = _prepare(story, ledger, artifacts)
        ended = publish(evaluation, point)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        champions.append(_champion(story, ledger, artifacts))
        assert publish(evaluation, 0) == 0
        assert (_champion(story, ledger, artifacts), len(ledger.history(Promotion, story.model))) == (NEW, 2)

    assert champions == sorted(champions)
    assert set(champions) == {OLD, NEW}
    assert len(champions) > 12


def _prepare(story: Story, ledger: PostgresLedger, artifacts: DiskArtifacts) -> Evaluation:
    """Record a champion and a challenger that beat it, both with models that load."""
    for number in (OLD, NEW):
        ledger.record(story.snapshot(number, Purpose.TRAIN))
        ledger.record(story.validation(number, Purpose.TRAIN))
        manifest = _model(artifacts, number)
        ledger.record(story.version(number).model_copy(update={"artifact": manifest, "baseline": manifest}))
    ledger.record(story.evaluation(OLD))
    ledger.promote(story.promotion(1, OLD))
    return ledger.record(story.evaluation(NEW, champion=story.version(OLD).id))


def _model(artifacts: DiskArtifacts, number: int) -> str:
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0]})
    model = LinearRegression().fit(frame, np.array([1.0, 2.0, 3.0]) + number)
    return dump_model(model, frame=frame, task="regression", columns=COLUMNS, key=KEY, code_version="1", put=artifacts.put)


def _champion(story: Story, ledger: PostgresLedger, artifacts: DiskArtifacts) -> int:
    """Return the number of the one champion, whose model is loaded through its whole verification."""
    promotions = ledger.history(Promotion, story.model)
    assert [row.epoch for row in promotions] == list(range(1, len(promotions) + 1))
    champion = ledger.champion(story.model)
    assert champion == promotions[-1]
    assert champion.version is not None
    version = ledger.get(ModelVersion, champion.version)
    load_model(version.artifact, key=KEY, get=artifacts.get)
    return {story.version(number).id: number for number in (OLD, NEW)}[version.id]
