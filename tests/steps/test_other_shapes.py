"""The whole loop on other data than the example's: classes, several entity columns, labels in the source itself, files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from perennial.core.receipts import Action, Evaluation, Measurement, Publication, Role
from perennial.definition.models import Definition, Gates
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.stores.files.folder_source import FileSource
from perennial.testing.story import FIRST_DAY, day, night

Define = Callable[..., Definition]
NewStores = Callable[..., Stores]
Retrain = Callable[[Definition, Stores, datetime], Publication]
MACHINES = 4
NEW_KIND_FROM = 31


def machines(days: int = 36) -> pa.Table:
    """Return hourly readings of machines in two halls: a machine fails the more often the higher its load; some kinds more."""
    random = np.random.default_rng(3)
    hours = days * 24
    rows = hours * MACHINES
    at = np.repeat(np.arange(hours), MACHINES)
    load, kind = random.uniform(0, 1, rows), random.integers(0, 3, rows)
    chance = 1 / (1 + np.exp(-(6 * load - 4 + kind)))
    names = np.where(at >= NEW_KIND_FROM * 24, 3, kind)
    return pa.table(
        {
            "hall": pa.array([f"hall {number % 2}" for number in range(rows)], pa.string()),
            "machine": pa.array([number % MACHINES for number in range(rows)], pa.int64()),
            "event_at": pa.array([FIRST_DAY + timedelta(hours=int(hour)) for hour in at], pa.timestamp("us", "UTC")),
            "load": load,
            "kind": pa.array([("press", "lathe", "saw", "robot")[name] for name in names], pa.string()),
            "failed": pa.array((random.uniform(0, 1, rows) < chance).astype(np.int64)),
        }
    )


@pytest.fixture
def failures(define: Define) -> Definition:
    """A class of 0 or 1 that stands in the source's own table, two columns that name a machine, a categorical feature."""
    return define(
        name="failures",
        source={"connection": "factory", "table": "machines", "entity": ["hall", "machine"], "available_at": None},
        label={"column": "failed", "delay": "12h", "latest": None, "source": None},
        features={"numeric": ["load"], "categorical": ["kind"], "time": ["hour"]},
        estimator={
            "path": "perennial.learning.estimators:hist_gradient_boosting_classifier",
            "task": "binary",
            "parameters": {"max_iter": 20},
        },
        expectations=[
            {"type": "expect_column_values_to_be_between", "arguments": {"column": "load", "min_value": 0, "max_value": 1}},
            {"type": "expect_column_values_to_be_in_set", "arguments": {"column": "failed", "value_set": [0, 1]}},
        ],
        evaluation={"metric": "log_loss", "report": ["brier", "roc_auc", "accuracy"], "slices": ["kind"]},
    )


@pytest.mark.parametrize("kind", ["stores", "postgres_stores"])
def test_a_class_is_predicted_as_a_probability(
    failures: Definition, kind: str, request: pytest.FixtureRequest, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """From training to measured losses, with a kind of machine at scoring that no training row had."""
    stores: Stores = request.getfixturevalue(kind)
    tables["machines"] = machines()
    assert retrained(failures, stores, day(30)).promoted
    decisions = [score(failures, night(number), stores, as_of=day(number + 1)) for number in (30, 31, 32)]
    assert [decision.action for decision in decisions][:2] == [Action.KEEP, Action.WATCH]  # a kind that is new is drift
    predicted = stores.ledger.predictions(failures.name, within=night(31))
    values = np.array(predicted.column("prediction").to_pylist())
    assert values.size == 24 * MACHINES
    assert ((values > 0) & (values < 1)).all()
    assert set(predicted.column("entity").to_pylist()) == {
        '["hall 0","0"]',
        '["hall 1","1"]',
        '["hall 0","2"]',
        '["hall 1","3"]',
    }
    losses = stores.ledger.get(Measurement, decisions[2].measurement).losses
    champion = [row for row in losses if row.role is Role.CHAMPION]
    assert [(row.predicted, row.labelled) for row in champion] == [(96, 96), (96, 48)]
    assert all(row.loss is not None and 0.1 < row.loss < 1 for row in champion)


def test_a_class_is_judged_by_its_log_loss(
    failures: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """The model knows more than the mean; slices and further figures are there; the loss measured is the natural logarithm's."""
    tables["machines"] = machines()
    retrained(failures, stores, day(30))
    [evaluation] = stores.ledger.history(Evaluation, failures.name)
    challenger, baseline = evaluation.metrics["challenger"], evaluation.metrics["baseline"]
    assert challenger["log_loss"].value < baseline["log_loss"].value < np.log(2) + 0.01
    assert set(challenger) == {"log_loss", "brier", "roc_auc", "accuracy"}
    assert set(evaluation.metrics["challenger[kind=saw]"]) == {"log_loss"}
    decision = score(failures, night(30), stores, as_of=day(32))
    [row] = [row for row in stores.ledger.get(Measurement, decision.measurement).losses if row.role is Role.CHAMPION]
    predicted = np.array(stores.ledger.predictions(failures.name, within=night(30)).column("prediction").to_pylist())
    at = tables["machines"]["event_at"].to_numpy()
    truth = tables["machines"]["failed"].to_numpy()[
        (at >= np.datetime64(day(30).replace(tzinfo=None))) & (at < np.datetime64(day(31).replace(tzinfo=None)))
    ]
    # Both lie in the order of (event_at, entity); the machines' names sort as the halls do.
    order = np.concatenate([np.array([0, 2, 1, 3]) + 4 * hour for hour in range(24)])
    truth = truth[order]
    expected = -np.mean(np.where(truth == 1, np.log(predicted), np.log(1 - predicted)))
    assert row.loss == pytest.approx(expected, rel=1e-9)


def test_gates_of_the_definition_are_asked(
    failures: Definition, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Calibration and slices, with the figures that the definition gives."""
    tables["machines"] = machines()
    gates = {"calibration": {"error": 0.4, "slope": 2.5}, "slices": {"margin": 0.25, "minimum_rows": 7}}
    evaluation = failures.evaluation.model_copy(update={"gates": Gates.model_validate(gates)})
    asking = failures.model_copy(update={"evaluation": evaluation})
    retrained(asking, stores, day(30))
    retrained(asking, stores, day(37))
    [*_, newest] = stores.ledger.history(Evaluation, failures.name)
    said = {gate.gate: gate.sentence for gate in newest.gates}
    assert "asked for: at most 0.4; the calibration slope is " in said["calibration"]
    assert "asked for: 0.4 to 2.5" in said["calibration"]
    assert " of at least 7 rows; asked for: none with a loss more than 25 % above the champion's" in said["slices"]


@pytest.mark.parametrize("labels", ["rides.csv", "rides.parquet"])
def test_rows_and_labels_come_from_files(
    define: Define, new_stores: NewStores, tables: dict[str, pa.Table], retrained: Retrain, tmp_path: Path, labels: str
) -> None:
    """A folder of Parquet parts and a CSV file give the predictions that the same rows in a table give."""
    changes: dict[str, Any] = {"table": None, "path": "conditions"}
    definition = define(source=changes, label={"source": {"table": None, "path": labels}})
    root = tmp_path / "data"
    (root / "conditions").mkdir(parents=True)
    for number in range(3):
        part = tables["conditions"].slice(number * 400, 400)
        pq.write_table(part, root / "conditions" / f"{number}.parquet")
    if labels.endswith(".csv"):
        pa_csv.write_csv(tables["rides"], root / labels)
    else:
        pq.write_table(tables["rides"], root / labels)
    in_memory = new_stores()
    from_files = Stores(
        source=lambda _: FileSource(root),
        artifacts=in_memory.artifacts,
        ledger=in_memory.ledger,
        signing_key=in_memory.signing_key,
        scratch=tmp_path,
        workshop=in_memory.workshop,
    )
    assert retrained(definition, from_files, day(30)).promoted
    score(definition, night(30), from_files, as_of=day(31))
    from_table, same = define(), new_stores()
    retrained(from_table, same, day(30))
    score(from_table, night(30), same, as_of=day(31))
    found = [
        stores.ledger.predictions(definition.name, within=night(30)).column("prediction").to_pylist()
        for stores in (in_memory, same)
    ]
    assert len(found[0]) == 24
    assert found[0] == found[1]


def test_labels_may_name_their_columns_otherwise(
    define: Define, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Entity, event and availability of the label's own relation have names of their own."""
    names = {"city": "town", "event_at": "hour", "available_at": "reconciled_at"}
    tables["rides"] = tables["rides"].rename_columns([names.get(name, name) for name in tables["rides"].column_names])
    own = {"entity": ["town"], "event_at": "hour", "available_at": "reconciled_at"}
    definition = define(label={"source": own})
    assert retrained(definition, stores, day(30)).promoted
    decision = score(definition, night(30), stores, as_of=day(38))
    [row] = [row for row in stores.ledger.get(Measurement, decision.measurement).losses if row.role is Role.CHAMPION]
    assert row.labelled == 24
