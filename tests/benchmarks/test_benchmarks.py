"""The benchmarks: every script runs at a tiny size, all variants of a stage come to the same result, and the report says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import psycopg
import pytest

from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.migrations import migrate

STAGES = ("extract_postgres", "extract_sqlite", "validate", "predict", "drift", "publish", "loop")
ROWS, WINDOW, TREES = 1200, 4000, 5
KEY = "5e" * 32

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the peers' own, such as of scikit-learn about names and of Great Expectations
    pytest.mark.xdist_group("benchmarks"),  # they share a world
]


@pytest.fixture(scope="module")
def world(postgres: EmbeddedPostgres, script: Any) -> Iterator[Any]:
    """A tiny world: the tables, the states of the ledger, and the peers' model."""
    postgres.url("bench")
    with TemporaryDirectory(prefix="perennial-") as folder:
        made = script("data").World(
            folder=folder, socket=str(postgres.socket_folder), rows=ROWS, window=WINDOW, key=KEY, trees=TREES
        )
        script("worlds").load(made)
        script("product").prepare(made)
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_the_variants_of_a_stage_come_to_the_same_result(
    script: Any, world: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that does less than it seems to would show here. One that is not installed beside the tests is left out."""
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    measure, stage = script("measure"), script(name).STAGE
    stage.prepare(world)
    outcomes = {key: outcome for key, variant in stage.variants.items() if (outcome := _run(measure, variant, world)) is not None}
    assert "perennial" in outcomes
    assert len(outcomes) > len(stage.variants) / 2
    assert measure.disagreements(stage, outcomes) == []
    assert all(taken[0].seconds > 0 for outcome in outcomes.values() for taken in outcome.taken.values())


@pytest.mark.slow
def test_a_night_in_threads_and_processes_comes_to_the_same(script: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one stream; and what was predicted is copied over as many connections as are asked for."""
    for name in ("PERENNIAL_SIGNING_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "")
    measure, stage = script("measure"), script("engines").STAGE
    stage.prepare(world)
    for step, figure in (("validate", "refused"), ("predict", "predicted")):
        ran = [_run(measure, stage.variants[f"{step} {on}"], world) for on in ("here", "in threads", "in processes")]
        assert len({outcome.answer[figure] for outcome in ran}) == 1
        assert all(outcome.answer["cpu"] >= 0 for outcome in ran)
    copied = _run(measure, stage.variants["copies"], world)
    assert list(copied.taken) == ["1 connections", "2 connections", "4 connections"]


def test_a_variant_with_another_result_is_told(script: Any) -> None:
    """Figures that differ by more than the tolerance are a fault of the benchmark."""
    measure, stage = script("measure"), script("extract_sqlite").STAGE
    outcomes = {"perennial": measure.Outcome(answer={"rows": 10}), "pandas": measure.Outcome(answer={"rows": 9})}
    assert measure.disagreements(stage, outcomes) == ["extract_sqlite: rows is 9 in pandas, 10 in perennial"]


def test_a_variant_that_cannot_run_is_told_with_its_reason(script: Any, tmp_path: Path) -> None:
    """A missing package ends the variant, not the benchmark."""
    measure, stage = script("measure"), script("extract_sqlite").STAGE
    world = script("data").World(folder=str(tmp_path), socket="", rows=1, window=1, key=KEY)
    outcome = measure.Outcome()
    measure.once("no_such_stage", "perennial", stage.variants["perennial"], world, outcome)
    assert outcome.reason == "ModuleNotFoundError: No module named 'no_such_stage'"


def test_the_report_says_whether_a_goal_is_met(script: Any, tmp_path: Path) -> None:
    """Ratios are of medians; a goal that is missed says so."""
    measure, stage = script("measure"), script("extract_postgres").STAGE
    world = script("data").World(folder=str(tmp_path), socket="", rows=1, window=1, key=KEY)
    seconds = {"perennial": (3.0, 2.0, 9.0), "pandas": (18.0, 18.0, 18.0), "copy": (1.0, 2.0, 1.0)}
    outcomes = {
        name: measure.Outcome(taken={"": [measure.Taken(seconds=one, before=100, peak=500) for one in values]})
        for name, values in seconds.items()
    }
    outcomes["connectorx"] = measure.Outcome(reason="ModuleNotFoundError: No module named 'connectorx'")
    lines = script("table").lines(stage, outcomes, world)
    assert "| **Perennial** | 3.00 (2.00 to 9.00) | 1.00 | 0.00 | 500 (+400) |" in lines
    assert "| pandas.read_sql in chunks to Parquet | 18.00 (18.00 to 18.00) | 6.00 | 0.00 | 500 (+400) |" in lines
    assert "- Goal, at least 6 times as fast as pandas.read_sql in chunks to Parquet: 6.00, met" in lines
    assert "- Goal, at most 1.8 times the time of binary COPY, thrown away: 3.00, **missed**" in lines
    assert "- Goal, memory grows by at most 300 MB: 400 MB, **missed**" in lines
    assert "  - connectorx to Arrow to Parquet: ModuleNotFoundError: No module named 'connectorx'" in lines


def test_the_fastest_of_several_peers_counts(script: Any, tmp_path: Path) -> None:
    """Beside a choice of layouts, ours is judged by the best."""
    measure, stage = script("measure"), script("predict").STAGE
    world = script("data").World(folder=str(tmp_path), socket="", rows=1, window=1, key=KEY)
    seconds = {"perennial": 2.4, "bare": 4.0, "columns_first": 2.0, "one_thread": 4.5}
    outcomes = {name: measure.Outcome(taken={"": [measure.Taken(seconds=value)]}) for name, value in seconds.items()}
    names = "bare predict_proba, rows in memory, all cores, or the same, columns in memory, or the same, one core"
    goal = f"at most 1.2 times the time of {names}"
    assert f"- Goal, {goal}: 1.20, met" in script("table").lines(stage, outcomes, world)


def test_what_no_client_can_do_better_is_told_beside_a_goal(script: Any, tmp_path: Path) -> None:
    """A goal that is missed does not say by itself whether it can be met."""
    measure, stage = script("measure"), script("publish").STAGE
    world = script("data").World(folder=str(tmp_path), socket="", rows=1, window=1, key=KEY)
    seconds = {"perennial": 2.4, "to_sql": 24.0, "raw_sorted": 2.0, "delete_copy": 12.0}
    outcomes = {name: measure.Outcome(taken={"first": [measure.Taken(seconds=value)]}) for name, value in seconds.items()}
    copy = "binary COPY of rows sorted beforehand, our table's indexes"
    goals = [line for line in script("table").lines(stage, outcomes, world) if "(first)" in line]
    assert goals == [
        f"- Goal, at least 20 times as fast as DataFrame.to_sql (first): 10.00, **missed** (by {copy}, alone: 12.00)",
        f"- Goal, at most 1.25 times the time of {copy} (first): 1.20, met",
    ]


def test_the_same_seed_gives_the_same_rows(script: Any) -> None:
    """Whoever measures, and whenever, has the same data."""
    data = script("data")
    first, again = (next(data.chunks(300, data.NIGHT, data.END)) for _ in range(2))
    other = next(data.chunks(300, data.NIGHT, data.END, 1))
    assert all(np.array_equal(first[name], again[name], equal_nan=first[name].dtype.kind == "f") for name in first)
    assert not np.array_equal(first["n00"], other["n00"])


def test_what_is_encoded_is_what_postgresql_reads(script: Any, postgres: EmbeddedPostgres) -> None:
    """The loader and the floor of *publish* write what they say: text, microseconds, numbers, and nulls for NaN."""
    data = script("data")
    rows = {
        "a": np.array([b"xy", b"zz"]),
        "b": np.array(["2024-03-01T02:03:04.5", "1999-12-31"], "M8[us]"),
        "c": np.array([1.5, np.nan]),
    }
    postgres.url("bench_encoded")
    with psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="bench_encoded") as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute("CREATE TEMP TABLE encoded (a text, b timestamptz, c double precision)")
        with connection.cursor().copy("COPY encoded FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(data.MAGIC + data.encode(rows) + data.TRAILER)
        found = connection.execute("SELECT a, b::text, c FROM encoded ORDER BY a").fetchall()
    assert found == [("xy", "2024-03-01 02:03:04.5+00", 1.5), ("zz", "1999-12-31 00:00:00+00", None)]


def test_what_a_whole_process_does_aside_is_not_counted(script: Any) -> None:
    """A phase that happens several times is added up."""
    taken = script("measure").Taken
    first, second = taken(seconds=1, cpu=1, before=10, peak=30), taken(seconds=2, cpu=1, before=20, peak=25)
    assert second.after(first) == taken(seconds=3, cpu=2, before=10, peak=30)


def test_a_ledger_of_years_is_filled_asked_and_published_into(script: Any, postgres: EmbeddedPostgres) -> None:
    """The questions of the document have answers there, and the next night becomes current."""
    catalogue, url = script("catalogue"), postgres.url("catalogue")
    migrate(url)
    address, models = url.replace("+psycopg", ""), ["model_0001", "model_0002"]
    catalogue.fill(address, models=2, nights=62)
    plans, pages, took = catalogue.ask(address, models, 62)
    published, seconds = catalogue.publish(url, models, 62)
    assert set(plans) == set(pages) == {"one_entity", "one_night", "one_version"}
    assert min(*pages.values(), *took.values(), *published.values(), *seconds.values()) > 0
    with psycopg.connect(address) as connection:
        states = connection.execute(
            "SELECT state, count(*) FROM perennial.prediction_batch WHERE interval_start = '2024-04-01 00:00Z' GROUP BY state"
        )
        assert dict(states.fetchall()) == {"superseded": 2, "current": 2}


def test_stages_are_named_by_their_beginnings(script: Any) -> None:
    """What takes longest runs only where it is named."""
    named = script("run")._named
    assert named("extract") == ["extract_postgres", "extract_sqlite"]
    assert "scale" not in named("")
    assert named("scale,publ") == ["publish", "scale"]
    with pytest.raises(SystemExit, match="no stage of that name"):
        named("nothing")


def _run(measure: ModuleType, variant: Any, world: Any) -> Any:
    clock = measure.Clock()
    try:
        answer = variant.function(world, clock)
    except ModuleNotFoundError:
        return None
    whole = {"": [measure.Taken(seconds=1.0)]} if variant.whole else {}
    return measure.Outcome(taken={**whole, **{phase: [taken] for phase, taken in clock.taken.items()}}, answer=answer)


def test_how_often_a_gate_is_wrong_is_told_for_every_kind_of_challenger_and_holdout(script: Any) -> None:
    """Two holdouts of each kind and size; nobody passes who is a point worse on twenty thousand rows that are apart."""
    module = script("honesty")
    module.HOLDOUTS_A_RUN = 2
    said: list[str] = []
    lines = module.report(0, 1, said.append)
    assert lines[:2] == ["| challenger | rows | rows apart | days alike |", "| --- | ---: | ---: | ---: |"]
    assert [line.split(" | ")[:2] for line in lines[2:]] == [
        [f"| {case.words}", str(rows)] for case in module.CASES for rows in module.SIZES
    ]
    assert said == lines[2:]
    assert " | 20000 | 0.0 (0.0 to 84.2) | " in lines[7]
