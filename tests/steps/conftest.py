"""A short simulated world, a small fast definition of it, and stores to run the steps on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.receipts import Publication
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Artifacts, Ledger, Stores
from perennial.simulation.load import tables as named
from perennial.simulation.world import World, world
from perennial.steps.loop import retrain
from perennial.stores.ledger import PostgresLedger
from perennial.stores.spark.engine import SparkEngine
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import FIRST_DAY, day
from perennial.wiring import ExecutorTools
from perennial.workshop.owner import ProcessWorkshop

collect_ignore = ["files"]
"""Estimators, no tests."""
DAYS = 45
JAVA = 17
FILES = Path(__file__).parent / "files"
KEY = b"0123456789abcdef0123456789abcdef"
Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return *base* with *changes*, mapping by mapping; None removes a key."""
    result = dict(base)
    for key, value in changes.items():
        result[key] = merged(base.get(key) or {}, value) if isinstance(value, dict) else value
    return {key: value for key, value in result.items() if value is not None}


@pytest.fixture(scope="session")
def simulated() -> World:
    """45 good days from 2024-03-01 on, which is day 0 of ``perennial.testing.story.day``."""
    return world(seed=7, days=DAYS, start=FIRST_DAY.date())


@pytest.fixture
def tables(simulated: World) -> dict[str, pa.Table]:
    """The source's tables by name. A test may replace them: the stores read what it puts there."""
    return named(simulated)


@pytest.fixture
def define(small: dict[str, Any]) -> Define:
    """Return the small definition with changes: ``define(publish={"approval": "human"})``."""
    return lambda **changes: Definition.model_validate(merged(small, changes))


@pytest.fixture
def definition(define: Define) -> Definition:
    """The small definition."""
    return define()


@pytest.fixture
def new_stores(tables: dict[str, pa.Table], tmp_path: Path, workshop: ProcessWorkshop) -> Callable[..., Stores]:
    """Make stores over the test's tables: with an empty memory, or with the artifacts and the ledger that are given."""

    def make(*, artifacts: Artifacts | None = None, ledger: Ledger | None = None) -> Stores:
        source = MemorySource(tables)
        return Stores(
            source=lambda _: source,
            artifacts=artifacts or MemoryArtifacts(),
            ledger=ledger or MemoryLedger(),
            signing_key=KEY,
            scratch=tmp_path,
            workshop=workshop,
        )

    return make


@pytest.fixture
def stores(new_stores: Callable[..., Stores]) -> Stores:
    """Empty stores in memory."""
    return new_stores()


@pytest.fixture
def postgres_stores(new_stores: Callable[..., Stores], postgres_ledger: PostgresLedger) -> Stores:
    """Stores with an empty ledger in PostgreSQL."""
    return new_stores(ledger=postgres_ledger)


@pytest.fixture(scope="session")
def executors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of artifacts that Spark's executors read and write, for the whole session."""
    return tmp_path_factory.mktemp("executors") / "artifacts"


@pytest.fixture(scope="session")
def needs_spark() -> None:
    """Skip the test where there is no PySpark, or no Java that it runs on."""
    pytest.importorskip("pyspark", reason="needs the extra: pip install 'perennial-ml[spark]'")
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)  # as Spark looks for it
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        pytest.skip(f"needs Java {JAVA} or later")


@pytest.fixture(scope="session")
def spark(executors: Path, needs_spark: None) -> Iterator[SparkEngine]:  # noqa: ARG001 - skips
    """One Spark for the whole session, on this machine: its start takes seconds, and its processes import what they need once."""
    said = {"PERENNIAL_ARTIFACTS": str(executors), "PERENNIAL_HOME": str(executors.parent)}
    with pytest.MonkeyPatch.context() as patched, closing(SparkEngine("local[2]", ExecutorTools(tuple(said.items())))) as engine:
        # What executors inherit where they are processes of this machine. The key travels no other way.
        patched.setenv("PERENNIAL_SIGNING_KEY", KEY.hex())
        patched.setenv("AWS_ACCESS_KEY_ID", "key")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patched.setenv("PYTHONPATH", os.pathsep.join([str(FILES), *filter(None, [os.environ.get("PYTHONPATH")])]))
        yield engine


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module with the work, which executors import, too."""
    monkeypatch.syspath_prepend(str(FILES))
    return import_module("odd_pieces")


@pytest.fixture
def retrained() -> Retrain:
    """Run one retraining that knows what was known at a moment."""

    def run(definition: Definition, stores: Stores, at: datetime) -> Publication:
        return retrain(definition, training_window(definition, at), stores, reason="a test", actor="tests")

    return run


@pytest.fixture
def championed(definition: Definition, stores: Stores, retrained: Retrain) -> Stores:
    """Stores in memory in which the small definition has a champion, effective from day 30."""
    assert retrained(definition, stores, day(30)).promoted
    return stores
