"""What a task says in its log, where a person looks first."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.context import set_current_context

from perennial import wiring
from perennial.core.receipts import Purpose
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.orchestration import tasks
from perennial.ports import Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.extract import extract
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import FIRST_DAY, day


def test_validate_says_how_many_rows_of_a_training_have_no_label_yet(
    small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no fault, so nothing else says it; of expectations that hold nothing is said."""
    definition = Definition.model_validate({**small, "expectations": small["expectations"][:1]})
    found = tables(world(seed=7, days=23, start=FIRST_DAY.date()))
    rides = found["rides"]
    emptied = pc.if_else(pc.less(rides["event_at"], pa.scalar(day(2))), None, rides["rides"])
    source = MemorySource({**found, "rides": rides.set_column(rides.column_names.index("rides"), "rides", emptied)})
    artifacts, ledger = MemoryArtifacts(), MemoryLedger()
    stores = Stores(source=lambda _: source, artifacts=artifacts, ledger=ledger, signing_key=b"", scratch=tmp_path)

    @contextmanager
    def opened(**_: object) -> Iterator[Stores]:
        yield stores

    monkeypatch.setattr(wiring, "open_stores", opened)
    caplog.set_level(logging.INFO, logger=tasks.__name__)
    snapshot = extract(definition, training_window(definition, day(22)), stores, purpose=Purpose.TRAIN, as_of=day(22))
    with DAG(dag_id="any", schedule=None):
        made: Any = tasks.validate(definition, None)
    run = SimpleNamespace(dag_id="retrain_bikes_small", run_id="run 1", run_type="manual")
    context: Any = {"ti": SimpleNamespace(try_number=1), "dag_run": run}
    with set_current_context(context):
        made.operator.python_callable(snapshot.model_dump(mode="json"))
    assert [record.getMessage() for record in caplog.records] == [
        f"24 of {snapshot.label_rows} rows have no label yet and are left out",
        f"pass: {snapshot.label_rows} rows, 0 in quarantine",
    ]
