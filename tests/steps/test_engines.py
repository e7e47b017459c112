"""What every engine does: the figures of a night are those of this process, to the bit, however the night lies in parts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from pyarrow import feather

from perennial.core.digest import canonical_json
from perennial.core.errors import UnavailableError
from perennial.core.receipts import ModelVersion, Predicted, Publication, Purpose, Role, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.monitoring.counting.reference import Reference
from perennial.ports import Engine, Stores, Tools
from perennial.steps.audit import look
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
FILES = Path(__file__).parent / "files"
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
CROWDED = "odd_estimators.Crowded"
GROUP = 50
"""Rows of a row group here, so that parts have several, whose last one is shorter: the batches in which a model is asked."""


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
        ("expect_column_values_to_match_regex", {"column": "sky", "regex": "^(clear|grey|storm|a sky.*)$"}),
        ("expect_column_values_to_be_in_set", {"column": "sky", "value_set": ["clear", "grey", "storm"]}),
        ("expect_column_value_lengths_to_be_between", {"column": "sky", "min_value": 4, "max_value": 20}),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "humidity", "column_B": "temperature", "mostly": 0.1}),
    ]
    return define(
        features={"numeric": ["temperature", "humidity", "wet"], "categorical": ["sky"]},
        estimator={"path": INTERVAL, "parameters": {"coverage": 0.8, "max_iter": 10}},
        expectations=[{"type": name, "arguments": arguments} for name, arguments in checks],
        quality={"tolerated": "60%", "tolerated_training": "90%", "faults": {"copies": False}},
    )


def _groups(rows: int, group: int) -> list[int]:
    """Return how many rows lie in each row group of so many rows; one that is empty where there are none."""
    return [min(group, rows - start) for start in range(0, rows, group)] or [0]


class Hole(NamedTuple):
    """What stands in so many rows of a column instead of what was measured."""

    column: str
    value: float | str | None
    start: int
    rows: int


def _with_hole(table: pa.Table, hole: Hole) -> pa.Table:
    place, kind = table.column_names.index(hole.column), table.schema.field(hole.column).type
    out = (np.arange(table.num_rows) >= hole.start) & (np.arange(table.num_rows) < hole.start + hole.rows)
    return table.set_column(place, hole.column, pc.if_else(pa.array(out), pa.scalar(hole.value, kind), table[hole.column]))


HOLES = st.builds(
    lambda what, start, rows: Hole(what[0], what[1], start, rows),
    st.sampled_from(
        [
            ("temperature", None),
            ("temperature", float("nan")),
            ("temperature", float("inf")),
            ("temperature", 11.0),  # refused: a part, or a row group, of which no row is left
            ("humidity", None),
            ("wet", None),
            ("sky", None),
            ("sky", "a sky that only one part knows"),
            ("city", "the same city"),
        ]
    ),
    st.integers(0, ROWS),
    st.sampled_from([1, GROUP, 333]),
)


@dataclass(frozen=True)
class Ready:
    """A model with a champion, and a night of it."""

    definition: Definition
    stores: Stores
    extracted: Snapshot

    def cut(self, shape: Sequence[int], *, group: int = GROUP, holes: Sequence[Hole] = ()) -> Snapshot:
        """Return a snapshot of the same rows with *holes*, so many of them in each part, and *group* in each row group."""
        artifacts = self.stores.artifacts
        (whole,) = parts_of(artifacts, self.extracted.digest).rows
        with artifacts.fetch(whole.digest) as path:
            rows = reduce(_with_hole, holes, pa.parquet.read_table(path)).combine_chunks()
        ends = np.cumsum(shape)
        parts = [self._part(rows.slice(end - count, count), group) for end, count in zip(ends, shape, strict=True)]
        manifest = canonical_json({"parts": {"rows": [part.model_dump() for part in parts], "labels": []}})
        return self.stores.ledger.record(self.extracted.model_copy(update={"digest": artifacts.put(manifest)}))

    def _part(self, rows: pa.Table, group: int) -> Part:
        batches = rows.to_batches() or [pa.RecordBatch.from_pylist([], rows.schema)]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("perennial.steps.snapshots.store_parts.ROWS_PER_GROUP", group)
            (part,) = store_parts((batch for batch in batches), self.stores)
        with self.stores.artifacts.fetch(part.digest) as path:
            kept = pa.parquet.ParquetFile(path).metadata
        assert [kept.row_group(number).num_rows for number in range(kept.num_row_groups)] == _groups(rows.num_rows, group)
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


@pytest.fixture
def crowded(
    definition: Definition, define: Define, new_stores: Callable[..., Stores], retrained: Retrain, executors: Path
) -> Ready:
    """A night of a model whose predictions say in which batches it was asked."""
    stores = replace(new_stores(artifacts=DiskArtifacts(executors)), trusted=frozenset({CROWDED}))
    changed = definition.model_copy(update={"estimator": define(estimator={"path": "odd_estimators:crowded"}).estimator})
    assert retrained(changed, stores, day(30)).promoted
    return Ready(changed, stores, extract(changed, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1)))


@pytest.fixture
def trusting(crowded: Ready, engine: Engine, executors: Path) -> Iterator[Engine]:
    """The same engine, which loads that model."""
    if isinstance(engine, InlineEngine):
        yield InlineEngine(crowded.stores)
        return
    said = {"PERENNIAL_ARTIFACTS": str(executors), "PERENNIAL_HOME": str(executors.parent), "PERENNIAL_TRUSTED_TYPES": CROWDED}
    with closing(SparkEngine("local[2]", ExecutorTools(tuple(said.items())))) as found:
        yield found


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_model_is_asked_in_the_same_batches(crowded: Ready, trusting: Engine, shape: list[int]) -> None:
    """Row groups, without the rows that are refused: what a library computes may depend on the batch in its last digits."""
    snapshot = crowded.cut(shape)
    validation = crowded.checked(snapshot, None)
    _, rows_here = crowded.predicted(snapshot, validation, None)
    _, rows_there = crowded.predicted(snapshot, validation, trusting)
    assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))
    otherwise = crowded.cut([7, ROWS - 7])
    _, (rows, _) = crowded.predicted(otherwise, crowded.checked(otherwise, None), None)
    assert not rows.column("prediction").equals(rows_here[0].column("prediction"))


@pytest.mark.usefixtures("odd")
@given(
    cuts=st.lists(st.integers(0, ROWS), max_size=5),
    group=st.sampled_from([23, GROUP, 333, 1000]),
    holes=st.lists(HOLES, max_size=3),
)
@example(cuts=[333, 666], group=GROUP, holes=[Hole("temperature", 11.0, 300, 400)])
@example(cuts=[333, 666], group=GROUP, holes=[Hole("sky", None, 0, 333), Hole("temperature", None, 333, 333)])
@example(cuts=[0, 0, ROWS, ROWS], group=333, holes=[Hole("sky", None, 0, ROWS)])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_night_in_any_parts_is_that_of_this_process(crowded: Ready, cuts: list[int], group: int, holes: list[Hole]) -> None:
    """Parts that have no value in a column, values of their own, or no row that is left, in row groups of any size."""
    bounds = [0, *sorted(cuts), ROWS]
    snapshot = crowded.cut([end - start for start, end in pairwise(bounds)], group=group, holes=holes)
    engine = InlineEngine(crowded.stores)
    validation = crowded.checked(snapshot, None)
    event(validation.verdict)
    assert crowded.checked(snapshot, engine).id == validation.id
    here, rows_here = crowded.predicted(snapshot, validation, None)
    there, rows_there = crowded.predicted(snapshot, validation, engine)
    assert there == here
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
    """An engine on which the work with the second part is killed, so many times, at a moment."""

    engine: Engine
    odd: Any
    marks: Path
    times: int
    at: str

    def map(self, work: Callable[[Any, Tools], bytes], parts: Sequence[Any]) -> list[bytes]:
        """Do *work*."""
        self.marks.mkdir()
        return self.engine.map(self.odd.Failing(str(self.marks), "kill", self.times, (str(parts[1]),), work, self.at), parts)

    @property
    def found(self) -> list[str]:
        """The marks of the attempts, and that of the moment that they came to."""
        return sorted(mark.name for mark in self.marks.iterdir())


@pytest.mark.spark
@pytest.mark.parametrize("at", ["before", "predicting", "put", "after"])
def test_a_night_of_which_a_process_is_killed_is_right_or_not_there(
    ready: Ready, spark: Engine, odd: Any, tmp_path: Path, at: str
) -> None:
    """Killed twice, it is published as if nothing had been; killed three times, nothing of it is, and the next attempt does it.

    Wherever that happens: before the work, while a model predicts, when the champion's predictions of the part are in the artifacts
    and the baseline's are not, and when all are and only the answer is lost.
    """
    snapshot = ready.cut(SHAPES["three"])
    validation = ready.checked(snapshot, None)
    here, rows_here = ready.predicted(snapshot, validation, None)
    came = {"before": [], "predicting": ["predict"], "put": ["put"], "after": ["after"]}[at]
    twice, thrice = Unlucky(spark, odd, tmp_path / "twice", 2, at), Unlucky(spark, odd, tmp_path / "thrice", 3, at)
    there, rows_there = ready.predicted(snapshot, validation, twice)
    assert there == here
    assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))
    assert twice.found == ["0-1", "0-2", "0-3", *came]
    with pytest.raises(UnavailableError) as caught:
        ready.predicted(snapshot, validation, thrice)
    assert str(caught.value) == "spark: part 2 of 3 was lost with its machine or process 3 times [ENGINE_FAILED]"
    assert thrice.found == ["0-1", "0-2", "0-3", *came]
    assert ready.stores.ledger.predictions(ready.definition.name, within=night(NIGHT)).num_rows == 0
    assert ready.predicted(snapshot, validation, spark)[0] == here


@pytest.mark.faults
@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.timeout(900)  # Javas start, each in seconds where nothing else runs
@pytest.mark.usefixtures("needs_spark")
def test_a_night_of_which_an_executor_is_killed_or_a_task_runs_twice_is_right(
    definition: Definition,
    new_stores: Callable[..., Stores],
    retrained: Retrain,
    postgres_ledger: PostgresLedger,
    ledger_url: str,
    tmp_path: Path,
) -> None:
    """In a Spark whose executors are processes of their own: one is killed when it has put its part, and nobody has heard so."""
    artifacts = tmp_path / "artifacts"
    stores = new_stores(artifacts=DiskArtifacts(artifacts), ledger=postgres_ledger)
    assert retrained(definition, stores, day(30)).promoted
    ready = Ready(definition, stores, extract(definition, night(NIGHT), stores, purpose=Purpose.SCORE, as_of=day(NIGHT + 1)))
    snapshot = ready.cut(SHAPES["three"])
    validation = ready.checked(snapshot, None)
    (tmp_path / "night.pickle").write_bytes(pickle.dumps((definition, snapshot, validation)))
    _run_cluster(
        tmp_path,
        PERENNIAL_ARTIFACTS=str(artifacts),
        PERENNIAL_HOME=str(tmp_path / "home"),
        PERENNIAL_DATABASE_URL=ledger_url,
        PERENNIAL_SIGNING_KEY=stores.signing_key.hex(),
    )
    attempts = {
        what: sorted(mark.name for mark in (tmp_path / what).iterdir() if mark.name != "0-3")  # speculation may run it once more
        for what in ("put", "after", "twice")
    }
    assert attempts == {
        "put": ["0-1", "0-2", "put"],
        "after": ["0-1", "0-2", "after"],
        "twice": ["done-1", "done-2", "slow-1", "slow-2"],
    }
    assert look(stores).faults == ()
    assert _current(ledger_url) == {"baseline": 1, "champion": 1}
    here, rows_here = ready.predicted(snapshot, validation, None)
    assert [one.num_rows for one in rows_here] == [ROWS - validation.quarantined] * 2
    for what in attempts:
        assert Predicted.model_validate_json((tmp_path / f"{what}.json").read_text()) == here
        rows_there = [feather.read_table(tmp_path / f"{what}-{role}.arrow") for role in ("champion", "baseline")]
        assert all(one.equals(other) for one, other in zip(rows_there, rows_here, strict=True))


def _run_cluster(folder: Path, **environment: str) -> None:
    """Have the night in *folder* predicted by a process of its own: each can have one Spark only."""
    path = os.pathsep.join([str(FILES), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, str(FILES / "odd_cluster.py"), str(folder)],
        env={**os.environ, **environment, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]


def _current(url: str) -> dict[str, int]:
    """Return how many batches are current in the ledger, by role."""
    with closing(psycopg.connect(url.replace("+psycopg", ""))) as connection:
        counted = "SELECT role, count(*) FROM perennial.prediction_batch WHERE state = 'current' GROUP BY role"
        return dict(connection.execute(counted).fetchall())


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
