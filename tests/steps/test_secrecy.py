"""Promise 15: no secret and no row value appears in receipts (which travel through XCom), logs or error texts."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from perennial.core.errors import PerennialError
from perennial.core.interval import Interval
from perennial.core.receipts import (
    Decision,
    Evaluation,
    Measurement,
    ModelVersion,
    PredictionBatch,
    Promotion,
    Purpose,
    Receipt,
    RetrainRequest,
    Snapshot,
    Validation,
)
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation.world import CITY
from perennial.steps.extract import extract
from perennial.steps.loop import score
from perennial.steps.validate import validate
from perennial.stores.sql.source import SqlSource
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Any]
KINDS: tuple[type[Receipt], ...] = (
    Snapshot,
    Validation,
    ModelVersion,
    Evaluation,
    Promotion,
    PredictionBatch,
    Measurement,
    Decision,
    RetrainRequest,
)
DEGREES, LOST, RIDES = 24.68135, -7777.125, 1313131
PASSWORD = "correct-horse-battery"
PLANTED = (CITY, str(DEGREES), str(LOST), str(RIDES), PASSWORD)


class Talkative(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator that quotes its first row when it fails."""

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> None:  # noqa: N803 - scikit-learn's name
        """Fail."""
        message = f"cannot fit {CITY} {X.to_numpy().tolist()} {y.tolist()} {DEGREES}"
        raise ValueError(message)

    def predict(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        """Never come here."""


def talkative() -> Talkative:
    """Return an estimator that quotes rows."""
    return Talkative()


@pytest.fixture
def planted(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables with recognisable values: a good temperature, one at fault on night 31, a count that nobody believes."""
    conditions, rides = (tables[name].to_pydict() for name in ("conditions", "rides"))
    conditions["temperature"][24 * 20 : 24 * 21] = [DEGREES] * 24
    conditions["temperature"][24 * 31 : 24 * 32] = [LOST] * 24
    rides["rides"][24 * 22 + 8] = RIDES
    tables["conditions"] = pa.table(conditions, schema=tables["conditions"].schema)
    tables["rides"] = pa.table(rides, schema=tables["rides"].schema)
    return tables


def leaks(text: str, stores: Stores) -> list[str]:
    """Return what of the planted values, or of the signing key, stands in *text*."""
    secrets = (*PLANTED, stores.signing_key.decode(), stores.signing_key.hex())
    return [value for value in secrets if value in text]


@pytest.mark.usefixtures("planted")
def test_promise_15_no_receipt_and_no_log_tells_a_value(
    define: Define, postgres_stores: Stores, retrained: Retrain, caplog: pytest.LogCaptureFixture
) -> None:
    """A training, a good night, a faulty one and a request, with every logger at its most talkative."""
    caplog.set_level(logging.DEBUG)
    definition = define(retraining={"max_age": "1h"}, quality={"tolerated_training": "50%"})
    returned = [retrained(definition, postgres_stores, day(30)).model_dump_json()]
    returned += [score(definition, night(at), postgres_stores, as_of=day(at + 1)).model_dump_json() for at in (30, 31)]
    ledger = postgres_stores.ledger
    kept = {kind: [row.model_dump_json() for row in ledger.history(kind, definition.name)] for kind in KINDS}
    assert all(kept.values())
    assert "temperature: 24 of 24 rows are outside -25 .. 35" in "".join(kept[Validation])
    assert leaks(json.dumps([returned, *kept.values()]), postgres_stores) == []
    assert leaks("\n".join(record.getMessage() for record in caplog.records), postgres_stores) == []


def text_instead_of_numbers(tables: dict[str, pa.Table]) -> None:
    """Deliver a numeric feature as text."""
    rows = tables["conditions"]
    at = rows.column_names.index("humidity")
    tables["conditions"] = rows.set_column(at, "humidity", pa.array([f"{CITY} {DEGREES}"] * rows.num_rows))


def text_instead_of_labels(tables: dict[str, pa.Table]) -> None:
    """Deliver the label as text."""
    rows = tables["rides"]
    at = rows.column_names.index("rides")
    tables["rides"] = rows.set_column(at, "rides", pa.array([f"{CITY} {RIDES}"] * rows.num_rows))


def infinite_labels(tables: dict[str, pa.Table]) -> None:
    """Deliver labels that are infinite, which no expectation forbids here."""
    rows = tables["rides"]
    at = rows.column_names.index("rides")
    tables["rides"] = rows.set_column(at, "rides", pa.array([math.inf] * rows.num_rows))


def moments_as_text(tables: dict[str, pa.Table]) -> None:
    """Deliver moments as text that is none."""
    rows = tables["rides"]
    at = rows.column_names.index("event_at")
    tables["rides"] = rows.set_column(at, "event_at", pa.array([f"{CITY} {DEGREES}"] * rows.num_rows))


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("spoil", [text_instead_of_numbers, text_instead_of_labels, infinite_labels, moments_as_text])
def test_promise_15_no_error_tells_a_value(
    define: Define,
    stores: Stores,
    tables: dict[str, pa.Table],
    retrained: Retrain,
    spoil: Callable[[dict[str, pa.Table]], None],
) -> None:
    """Whatever the data do to a training, its error is one of ours, and nothing that it is raised from quotes them either."""
    spoil(tables)
    kept = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "wet"}}
    with pytest.raises(PerennialError) as caught:
        retrained(define(expectations=[kept]), stores, day(30))
    assert leaks(chain(caught.value), stores) == []


@pytest.mark.usefixtures("planted")
def test_promise_15_an_estimator_cannot_tell_a_value(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Somebody's estimator puts rows into its message; only the kind of error and its line are told."""
    with pytest.raises(PerennialError) as caught:
        retrained(define(estimator={"path": f"{__name__}:talkative"}), stores, day(30))
    told = chain(caught.value)
    assert "cannot fit: ValueError at test_secrecy.py:" in told
    assert leaks(told, stores) == []


def chain(error: BaseException | None) -> str:
    """Return the text of *error* and of all that a traceback would show before it."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(texts)


def test_promise_15_no_password_is_told(definition: Definition, stores: Stores, tmp_path: Any) -> None:
    """A source that cannot be reached is named by its table and not by its address."""
    source = SqlSource(f"postgresql+psycopg://ana:{PASSWORD}@127.0.0.1:1/bikes")
    away = Stores(
        source=lambda _: source,
        artifacts=stores.artifacts,
        ledger=stores.ledger,
        signing_key=stores.signing_key,
        scratch=tmp_path,
    )
    with pytest.raises(PerennialError) as caught:
        extract(definition, night(30), away, purpose=Purpose.SCORE, as_of=day(31))
    assert leaks(chain(caught.value) + repr(source), stores) == []


def test_the_planted_values_would_be_found(planted: dict[str, pa.Table], definition: Definition, stores: Stores) -> None:
    """The search finds them where they do stand: in the snapshot's rows and in the quarantine."""
    window = Interval(day(20), day(32))
    snapshot = extract(definition, window, stores, purpose=Purpose.SCORE, as_of=day(32))
    validation = validate(definition, window, stores, snapshot=snapshot)
    assert validation.quarantined == 24
    assert leaks(json.dumps([row["temperature"] for row in planted["conditions"].to_pylist()]) + CITY, stores) == [
        CITY,
        str(DEGREES),
        str(LOST),
    ]
