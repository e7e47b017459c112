"""Promise 12 at every step: no rows, no checks and no predictions are failures, never passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Action,
    Decision,
    Evaluation,
    PredictionBatch,
    Promotion,
    Purpose,
    RetrainRequest,
    SignalState,
    Verdict,
)
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.decide import decide
from perennial.steps.evaluate import evaluate
from perennial.steps.extract import extract
from perennial.steps.loop import retrain, score
from perennial.steps.monitor import monitor
from perennial.steps.predict import predict
from perennial.steps.train import train
from perennial.steps.validate import validate
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemoryArtifacts, MemorySource
from perennial.testing.story import FIRST_DAY, Story, day, night

pytestmark = pytest.mark.faults

KEY = b"0123456789abcdef0123456789abcdef"
EMPTY = 40


@pytest.fixture
def definition(small: dict[str, Any]) -> Definition:
    """The small definition, whose champion is soon too old: a night that passed would ask for a retraining."""
    return Definition.model_validate({**small, "retraining": {"max_age": "1h", "cooldown": "2d"}})


@pytest.fixture
def stores(ledger_url: str, tmp_path: Path) -> Iterator[Stores]:
    """Stores with 35 days of rows; night 40 has none."""
    source = MemorySource(tables(world(seed=7, days=35, start=FIRST_DAY.date())))
    with closing(PostgresLedger.open(ledger_url)) as ledger:
        yield Stores(source=lambda _: source, artifacts=MemoryArtifacts(), ledger=ledger, signing_key=KEY, scratch=tmp_path)


@pytest.fixture
def championed(definition: Definition, stores: Stores) -> Stores:
    """The same, with a champion."""
    assert retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests").promoted
    return stores


def refused(action: Callable[[], object]) -> Code:
    """Return the code with which *action* refuses."""
    with pytest.raises(DataError) as caught:
        action()
    return caught.value.code


def test_promise_12_a_night_without_rows_passes_no_step(definition: Definition, championed: Stores) -> None:
    """Validate fails, predict publishes nothing, monitor measures nothing, decide quarantines and asks for nothing."""
    interval = night(EMPTY)
    snapshot = extract(definition, interval, championed, purpose=Purpose.SCORE, as_of=day(EMPTY + 1))
    validation = validate(definition, interval, championed, snapshot=snapshot)
    predicted = predict(definition, interval, championed, snapshot=snapshot, validation=validation)
    measured = monitor(definition, interval, championed, snapshot=snapshot, validation=validation, predicted=predicted)
    decision = decide(definition, interval, championed, measurement=measured, validation=validation)
    assert (snapshot.rows, validation.verdict, validation.rows) == (0, Verdict.FAIL, 0)
    assert predicted.batches == ()
    assert {(column.column, column.state) for column in measured.drift} == {("(label)", SignalState.INSUFFICIENT)}
    assert (decision.action, decision.rule) == (Action.QUARANTINE, "data_fault")
    assert championed.ledger.history(RetrainRequest, definition.name) == []
    assert championed.ledger.history(PredictionBatch, definition.name) == []


def test_promise_12_a_training_without_rows_passes_no_step(definition: Definition, stores: Stores) -> None:
    """Validate fails, train refuses, and nobody becomes champion."""
    window = Interval(day(EMPTY), day(EMPTY + 21))
    snapshot = extract(definition, window, stores, purpose=Purpose.TRAIN, as_of=window.end)
    validation = validate(definition, window, stores, snapshot=snapshot)
    assert validation.verdict is Verdict.FAIL
    code = refused(lambda: train(definition, window, stores, snapshot=snapshot, validation=validation, reason="a test"))
    assert code is Code.DATA_REFUSED
    assert stores.ledger.history(Promotion, definition.name) == []


def test_promise_12_an_evaluation_without_rows_is_refused(definition: Definition, stores: Stores) -> None:
    """A version is not judged on a holdout that has no rows."""
    window, empty = training_window(definition, day(30)), Interval(day(EMPTY), day(EMPTY + 21))
    snapshot, nothing = (extract(definition, one, stores, purpose=Purpose.TRAIN, as_of=one.end) for one in (window, empty))
    validation, without = (validate(definition, one.interval, stores, snapshot=one) for one in (snapshot, nothing))
    version = train(definition, window, stores, snapshot=snapshot, validation=validation, reason="a test")
    code = refused(lambda: evaluate(definition, empty, stores, snapshot=nothing, validation=without, version=version))
    assert code is Code.DATA_EMPTY
    assert stores.ledger.history(Evaluation, definition.name) == []


@pytest.mark.parametrize("purpose", Purpose)
def test_promise_12_no_checks_are_refused(small: dict[str, Any], stores: Stores, purpose: Purpose) -> None:
    """Neither a night nor a training window is let through unchecked."""
    other = {Purpose.SCORE: "train", Purpose.TRAIN: "score"}[purpose]
    kept = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "wet"}, "on": other}
    definition = Definition.model_validate({**small, "expectations": [kept]})
    window = training_window(definition, day(30))
    snapshot = extract(definition, window, stores, purpose=purpose, as_of=window.end)
    assert refused(lambda: validate(definition, window, stores, snapshot=snapshot)) is Code.DATA_UNCHECKED


def test_promise_12_no_checks_stop_a_whole_night(small: dict[str, Any], championed: Stores) -> None:
    """Nothing is predicted and nothing decided."""
    kept = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "rides"}, "on": "train"}
    definition = Definition.model_validate({**small, "expectations": [kept]})
    assert refused(lambda: score(definition, night(31), championed, as_of=day(32))) is Code.DATA_UNCHECKED
    assert championed.ledger.history(Decision, definition.name) == []
    assert championed.ledger.history(PredictionBatch, definition.name) == []


@pytest.mark.parametrize("rows", [[], [0]])
def test_promise_12_a_batch_without_predictions_is_refused(stores: Stores, rows: list[int]) -> None:
    """Neither no record batches nor empty ones are a published night."""
    story = Story()
    story.keep_champion(stores.ledger)
    story.keep_night(stores.ledger, 0)
    schema = pa.schema([("entity", pa.string()), ("event_at", pa.timestamp("us", "UTC")), ("prediction", pa.float64())])
    batches = [pa.RecordBatch.from_pylist([], schema=schema) for _ in rows]
    assert refused(lambda: stores.ledger.publish(story.batch(0), batches)) is Code.DATA_EMPTY
    assert stores.ledger.history(PredictionBatch, story.model) == []


def test_a_source_that_never_had_the_table_is_no_empty_night(definition: Definition, stores: Stores) -> None:
    """It is an error, not a night without rows."""
    missing = MemorySource({})
    away = replace(stores, source=lambda _: missing)
    with pytest.raises(Exception, match="STORE_REJECTED"):
        extract(definition, night(0), away, purpose=Purpose.SCORE, as_of=day(1))
