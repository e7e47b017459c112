"""What every engine does: the figures of a night are those of this process, to the bit, however the night lies in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from moto.server import ThreadedMotoServer

from perennial.core.digest import canonical_json
from perennial.core.errors import UnavailableError
from perennial.core.receipts import ModelVersion, Predicted, Publication, Purpose, Role, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Engine, Stores, Tools
from perennial.steps.extract import extract
from perennial.steps.measuring.counted import counted
from perennial.steps.predict import predict
from perennial.steps.snapshots.parts import Part, parts_of
from perennial.steps.snapshots.store_parts import store_parts
from perennial.steps.validate import validate
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.ledger import PostgresLedger
from perennial.stores.spark.engine import SparkEngine
from perennial.testing import InlineEngine
from perennial.testing.story import day, night
from perennial.wiring import ExecutorTools, Settings, open_artifacts

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
NIGHT = 31
CITIES = 40
ROWS = 24 * CITIES
INTERVAL = "perennial.learning.estimators:hist_gradient_boosting_interval_regressor"
SHAPES = {
    "one": [ROWS],
    "three": [320, 320, 320],
    "sixteen": [60] * 16,
    "empty": [0, 500, 0, ROWS - 500, 0],
    "skewed": [1, 2, 3, ROWS - 7, 1],
}
"""How many rows lie in each part."""


def _many_cities(table: pa.Table) -> pa.Table:
    """Return the rows of one city for many, each a little warmer, with a column of texts, some of them new or missing."""
    again = table.take(pa.array(np.repeat(np.arange(table.num_rows), CITIES)))
    number = np.tile(np.arange(CITIES), table.num_rows)
    again = again.set_column(0, "city", pa.array(np.char.add("city ", number.astype(str))))
    if "temperature" in table.column_names:
        warmer = pc.add(again["temperature"], pa.array(number / 7))
        again = again.set_column(again.column_names.index("temperature"), "temperature", warmer)
        sky = pa.array(np.array(["clear", "grey", "storm", ""])[np.arange(len(number)) // 3 % 4])
        again = again.append_column("sky", pc.if_else(pc.equal(sky, ""), pa.scalar(None, pa.string()), sky))
    return again


def _with_faults(table: pa.Table) -> pa.Table:
    """Return *table* with two keys of the night that stand twice, and a humidity of -999 in every thirtieth row of it."""
    at = table["event_at"].to_pylist()
    first = next(row for row, moment in enumerate(at) if moment >= day(NIGHT))
    city, humidity = table["city"].to_pylist(), table["humidity"].to_numpy(zero_copy_only=False).astype(float).copy()
    city[first + 1], city[first + 501] = city[first], city[first + 500]
    humidity[first : first + ROWS : 30] = -999.0
    for name, values in (("city", pa.array(city)), ("humidity", pa.array(humidity).cast(table.schema.field("humidity").type))):
        table = table.set_column(table.column_names.index(name), name, values)
    return table


@pytest.fixture
def definition(define: Define, tables: dict[str, pa.Table]) -> Definition:
    """A definition with texts, intervals, every kind of expectation that needs another way of counting, and refused rows."""
    for name in ("conditions", "rides"):
        tables[name] = _many_cities(tables[name])
    tables["conditions"] = _with_faults(tables["conditions"])
    checks = [
        ("expect_column_values_to_be_between", {"column": "temperature", "min_value": -25, "max_value": 10}),
        ("expect_column_values_to_not_be_null", {"column": "sky", "mostly": 0.5}),
        ("expect_column_mean_to_be_between", {"column": "temperature", "min_value": -25, "max_value": 35}),
        ("expect_column_stdev_to_be_between", {"column": "humidity", "min_value": 0, "max_value": 500}),
        ("expect_column_median_to_be_between", {"column": "humidity", "min_value": 0, "max_value": 100}),
        ("expect_column_max_to_be_between", {"column": "temperature", "min_value": -25, "max_value": 60}),
        ("expect_column_unique_value_count_to_be_between", {"column": "sky", "min_value": 2, "max_value": 4}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["city", "event_at"]}),
    ]
    return define(
        features={"numeric": ["temperature", "humidity", "wet"], "categorical": ["sky"]},
        estimator={"path": INTERVAL, "parameters": {"coverage": 0.8, "max_iter": 10}},
        expectations=[{"type": name, "arguments": arguments} for name, arguments in checks],
        quality={"tolerated": "60%", "tolerated_training": "90%", "faults": {"copies": False}},
    )


@dataclass(frozen=True)
class Ready:
    """A model with a champion, and a night of it."""

    definition: Definition
    stores: Stores
    extracted: Snapshot

    def cut(self, shape: Sequence[int]) -> Snapshot:
        """Return a snapshot of the same rows, so many of them in each part."""
        artifacts = self.stores.artifacts
        (whole,) = parts_of(artifacts, self.extracted.digest).rows
        with artifacts.fetch(whole.digest) as path:
            rows = pa.parquet.read_table(path).combine_chunks()
        ends = np.cumsum(shape)
        parts = [self._part(rows.slice(end - count, count)) for end, count in zip(ends, shape, strict=True)]
        manifest = canonical_json({"parts": {"rows": [part.model_dump() for part in parts], "labels": []}})
        return self.stores.ledger.record(self.extracted.model_copy(update={"digest": artifacts.put(manifest)}))

    def _part(self, rows: pa.Table) -> Part:
        (part,) = store_parts((batch for batch in rows.to_batches() or [pa.RecordBatch.from_pylist([], rows.schema)]), self.stores)
        return part

    def checked(self, snapshot: Snapshot, engine: Engine | None) -> Validation:
        """Return what the night's validation says."""
        return validate(self.definition, night(NIGHT), replace(self.stores, engine=engine), snapshot=snapshot)

    def predicted(self, snapshot: Snapshot, validation: Validation, engine: Engine | None) -> tuple[Predicted, list[pa.Table]]:
        """Predict the night as if nobody had before, and return what was said and published, by role."""
        ledger, model = self.stores.ledger, self.definition.name
        ledger.expire_predictions({(model, "all"): day(NIGHT + 1)})
        stores = replace(self.stores, engine=engine)
        predicted = predict(self.definition, night(NIGHT), stores, snapshot=snapshot, validation=validation)
        return predicted, [ledger.predictions(model, role=role, within=night(NIGHT)) for role in (Role.CHAMPION, Role.BASELINE)]


@pytest.fixture
def ready(definition: Definition, new_stores: Callable[..., Stores], retrained: Retrain, executors: Path) -> Ready:
    """A night in memory and on disk."""
    stores = new_stores(artifacts=DiskArtifacts(executors))
    assert retrained(definition, stores, day(30)).promoted
    return Ready(definition, stores, extract(definition, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1)))


@pytest.fixture(params=["inline", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest, ready: Ready) -> Engine:
    """Each engine."""
    if request.param == "inline":
        return InlineEngine(ready.stores)
    found: Engine = request.getfixturevalue("spark")
    return found


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_predictions_and_counts_are_those_of_this_process(ready: Ready, engine: Engine, shape: list[int]) -> None:
    """Some rows are refused, in every part; the digests of the counts are equal, and so is each published row."""
    snapshot = ready.cut(shape)
    validation = ready.checked(snapshot, None)
    here, rows_here = ready.predicted(snapshot, validation, None)
    there, rows_there = ready.predicted(snapshot, validation, engine)
    assert (validation.verdict, 0 < validation.quarantined < ROWS) == (Verdict.PASS, True)
    assert there == here
    assert here.profile
    assert [one.num_rows for one in rows_here] == [ROWS - validation.quarantined] * 2
    assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_verdicts_are_those_of_this_process(ready: Ready, engine: Engine, shape: list[int]) -> None:
    """The id of a validation is the digest of its findings and of the rows that it refused, with their reasons."""
    snapshot = ready.cut(shape)
    here, there = ready.checked(snapshot, None), ready.checked(snapshot, engine)
    assert there.id == here.id
    found = {finding.expectation: finding for finding in there.findings}
    assert found["quality.sentinels"].unexpected == 32
    assert found["expect_compound_columns_to_be_unique"].unexpected == 4
    assert (here.verdict, here.quarantined > 36) == (Verdict.PASS, True)


def test_counts_are_those_of_this_process(ready: Ready, engine: Engine) -> None:
    """Also where nobody had counted in the pass that predicts."""
    snapshot = ready.cut(SHAPES["skewed"])
    validation = ready.checked(snapshot, None)
    version = ready.stores.ledger.history(ModelVersion, ready.definition.name)[-1]
    edges = Reference.from_json(ready.stores.artifacts.get(version.profile)).edges
    asked = (edges, ready.definition)
    here = counted(*asked, ready.stores, snapshot, validation)
    assert counted(*asked, replace(ready.stores, engine=engine), snapshot, validation) == here
    assert here.rows == ROWS - validation.quarantined


@dataclass(frozen=True)
class Unlucky:
    """An engine on which the work with the second part is killed, so many times."""

    engine: Engine
    odd: Any
    marks: str
    times: int

    def map(self, work: Callable[[Any, Tools], bytes], parts: Sequence[Any]) -> list[bytes]:
        """Do *work*."""
        return self.engine.map(self.odd.Failing(self.marks, "kill", self.times, (str(parts[1]),), work), parts)


@pytest.mark.spark
def test_a_night_of_which_a_process_is_killed_is_right_or_not_there(ready: Ready, spark: Engine, odd: Any, tmp_path: Path) -> None:
    """Killed twice, it is published as if nothing had been; killed three times, nothing of it is, and the next attempt does it."""
    snapshot = ready.cut(SHAPES["three"])
    validation = ready.checked(snapshot, None)
    here, rows_here = ready.predicted(snapshot, validation, None)
    folders = [tmp_path / "twice", tmp_path / "thrice"]
    for folder in folders:
        folder.mkdir()
    there, rows_there = ready.predicted(snapshot, validation, Unlucky(spark, odd, str(folders[0]), 2))
    assert there == here
    assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))
    with pytest.raises(UnavailableError) as caught:
        ready.predicted(snapshot, validation, Unlucky(spark, odd, str(folders[1]), 3))
    assert str(caught.value) == "spark: part 2 of 3 was lost with its machine or process 3 times [ENGINE_FAILED]"
    assert ready.stores.ledger.predictions(ready.definition.name, within=night(NIGHT)).num_rows == 0
    assert ready.predicted(snapshot, validation, spark)[0] == here


@pytest.mark.spark
def test_what_was_worked_out_elsewhere_is_published_whole(
    ready: Ready, spark: Engine, postgres_ledger: PostgresLedger, new_stores: Callable[..., Stores], retrained: Retrain
) -> None:
    """Into PostgreSQL, in several streams at the same time; the audit finds every row."""
    stores = new_stores(artifacts=ready.stores.artifacts, ledger=postgres_ledger)
    assert retrained(ready.definition, stores, day(30)).promoted
    extracted = extract(ready.definition, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1))
    model = replace(ready, stores=stores, extracted=extracted)
    snapshot = model.cut(SHAPES["sixteen"])
    validation = model.checked(snapshot, spark)
    here, rows_here = model.predicted(snapshot, validation, None)
    there, rows_there = model.predicted(snapshot, validation, spark)
    assert there == here
    assert [one.num_rows for one in rows_there] == [ROWS - validation.quarantined] * 2
    assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))
    assert postgres_ledger.audit().faults == ()


@pytest.fixture
def s3(spark: SparkEngine, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a driver tells executors of an S3 on the loopback. Both have its credentials from their environment."""
    del spark  # it gives the environment
    (tmp_path / "executors" / "scratch").mkdir(parents=True)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="night")
    yield {
        "PERENNIAL_ARTIFACTS": "s3://night/artifacts",
        "PERENNIAL_S3_ENDPOINT": f"http://{host}:{port}",
        "PERENNIAL_HOME": str(tmp_path / "executors"),
    }
    server.stop()


@pytest.mark.spark
def test_a_night_on_s3_is_that_of_this_process(
    s3: dict[str, str], definition: Definition, new_stores: Callable[..., Stores], retrained: Retrain
) -> None:
    """Executors fetch its parts and the champion from there, and put what they predicted there."""
    stores = new_stores(artifacts=open_artifacts(Settings.of(s3)))
    assert retrained(definition, stores, day(30)).promoted
    extracted = extract(definition, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1))
    ready = Ready(definition, stores, extracted)
    snapshot = ready.cut(SHAPES["three"])
    with closing(SparkEngine("local[2]", ExecutorTools(tuple(s3.items())))) as engine:
        validation = ready.checked(snapshot, engine)
        there, rows_there = ready.predicted(snapshot, validation, engine)
    here, rows_here = ready.predicted(snapshot, validation, None)
    assert ready.checked(snapshot, None).id == validation.id
    assert there == here
    assert [one.num_rows for one in rows_there] == [ROWS - validation.quarantined] * 2
    assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))
