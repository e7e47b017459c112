"""A version that fails where a failure does no harm is refused, and this process never loads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.errors import ArtifactError, RejectedError
from perennial.core.receipts import Evaluation, GateResult, ModelVersion, Publication, Snapshot, Validation, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.compare import compare
from perennial.steps.judging.infrastructure import infrastructure
from perennial.steps.judging.second_fit import noise_of
from perennial.steps.snapshots.rows import clean_rows
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the odd estimators be found."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "files"))


def gates(stores: Stores, definition: Definition) -> dict[str, tuple[str, str]]:
    """Return the verdict and the sentence of each gate of the newest evaluation."""
    [newest] = stores.ledger.history(Evaluation, definition.name, newest=1)
    return {gate.gate: (gate.verdict.value, gate.sentence) for gate in newest.gates}


def test_a_good_version_passes_and_its_cost_is_kept(definition: Definition, stores: Stores, retrained: Retrain) -> None:
    """The gate stands beside the others, and counts as one of them."""
    assert retrained(definition, stores, day(30)).promoted
    [evaluation] = stores.ledger.history(Evaluation, definition.name)
    verdict, sentence = gates(stores, definition)["infrastructure"]
    assert (verdict, sentence.startswith("A fresh process loaded the model in ")) == ("pass", True)
    assert "predict one row (in " in sentence
    assert "none, new categories and missing values; 1 000 rows take " in sentence
    assert evaluation.sentence.startswith("The challenger passes every gate (baseline, champion, infrastructure), with mae ")
    cost = evaluation.cost
    assert cost is not None
    assert 0 < cost.row_seconds < cost.load_seconds < 120
    assert 0 < cost.baseline_seconds < 1
    assert 0 < cost.memory < 1 << 30


def test_a_version_that_crashes_at_one_row_is_refused_and_never_loaded(
    define: Define, championed: Stores, retrained: Retrain
) -> None:
    """It repeats its golden rows, of which there are several; the evaluation has no figures and says why."""
    loaded: dict[str, Any] = {}
    stores = replace(championed, trusted=frozenset({"odd_estimators.Fragile"}), loaded=loaded)
    definition = define(estimator={"path": "odd_estimators:fragile"})
    refused = retrained(definition, stores, day(33))
    [evaluation] = stores.ledger.history(Evaluation, definition.name, newest=1)
    version = stores.ledger.get(ModelVersion, evaluation.challenger)
    said = "In a fresh process the model was ended by SIGABRT before it was done [MODEL_CRASHED]: failed."
    assert not refused.promoted
    assert (evaluation.verdict, evaluation.metrics, evaluation.importance, evaluation.cost) == (Verdict.FAIL, {}, {}, None)
    assert gates(stores, definition) == {"infrastructure": ("fail", said)}
    assert evaluation.sentence == f"The challenger fails at infrastructure. {said}"
    assert version.artifact not in loaded
    with pytest.raises(RejectedError) as caught:
        compare(definition, stores, first=version.id, second=evaluation.champion or "")
    told = "no evaluation says that a fresh process could load it, so it is not loaded here [MODEL_UNTRIED]"
    assert str(caught.value) == f"{version.id}: {told}"
    assert version.artifact not in loaded


@pytest.fixture
def unlucky(define: Define, championed: Stores, tmp_path: Path) -> Callable[[str], tuple[Definition, Stores]]:
    """Return a function that tells what happens to a model at one row, word by word, and lends its definition and stores."""
    stores = replace(championed, trusted=frozenset({"odd_estimators.Unlucky"}), loaded={})
    path = tmp_path / "what happens"
    asked = {"path": "odd_estimators:unlucky", "parameters": {"path": str(path)}, "memory": "1GiB"}

    def told(words: str) -> tuple[Definition, Stores]:
        path.write_text(words)
        return define(estimator=asked), stores

    return told


def test_a_version_whose_process_is_killed_from_outside_is_tried_again(
    unlucky: Callable[[str], tuple[Definition, Stores]], retrained: Retrain
) -> None:
    """A machine that is short of memory says nothing about the model."""
    definition, stores = unlucky("kill")
    retrained(definition, stores, day(33))
    assert gates(stores, definition)["infrastructure"][0] == "pass"


def test_a_version_that_cannot_be_tried_keeps_the_champion_and_may_pass_the_next_time(
    unlucky: Callable[[str], tuple[Definition, Stores]], retrained: Retrain
) -> None:
    """Killed twice it is an error, and no failure for good: the same version evaluated again is tried again."""
    definition, stores = unlucky("kill kill")
    refused = retrained(definition, stores, day(33))
    [told] = stores.ledger.history(Evaluation, definition.name, newest=1)
    end = "was ended by SIGKILL before it was done [MODEL_KILLED]"
    said = f"In a fresh process the model {end}, and then {end}, which may be the machine's fault: cannot be told."
    assert (told.verdict, told.gates[0].sentence, told.cost) == (Verdict.ERROR, said, None)
    assert told.sentence == f"Whether the challenger passes cannot be told at infrastructure. {said}"
    assert (refused.promoted, refused.champion) == (False, told.champion)
    for _ in range(2):
        retrained(definition, stores, day(33))
        [_, untold, again] = stores.ledger.history(Evaluation, definition.name)
        assert (untold, again.challenger, gates(stores, definition)["infrastructure"][0]) == (told, told.challenger, "pass")


def test_a_version_without_an_end_may_be_slow_because_the_machine_is_busy(
    unlucky: Callable[[str], tuple[Definition, Stores]], retrained: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped twice, and nothing is said of it."""
    definition, stores = unlucky("loop loop")
    monkeypatch.setattr("perennial.steps.judging.infrastructure.SECONDS", 0.5)
    retrained(definition, stores, day(33))
    end = "took longer than 0.5 s and was stopped [MODEL_TIMEOUT]"
    said = f"In a fresh process the model {end}, and then {end}, which may be the machine's fault: cannot be told."
    assert gates(stores, definition) == {"infrastructure": ("error", said)}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no limit of memory")
def test_a_version_that_needs_more_memory_than_it_may_have_fails(
    unlucky: Callable[[str], tuple[Definition, Stores]], retrained: Retrain
) -> None:
    """It would do so the next time, whatever the machine."""
    definition, stores = unlucky("hold")
    retrained(definition, stores, day(33))
    verdict, sentence = gates(stores, definition)["infrastructure"]
    said = "In a fresh process the model cannot predict one row (cannot predict: MemoryError at "
    assert (verdict, sentence[: len(said)]) == ("fail", said)


def test_a_version_that_refuses_new_categories_is_refused(
    define: Define, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """Some night there is one."""
    conditions = tables["conditions"]
    sky = np.where(np.arange(conditions.num_rows) % 3, "clear", "grey")
    tables["conditions"] = conditions.append_column("sky", pa.array(sky))
    definition = define(features={"categorical": ["sky"]}, estimator={"path": "odd_estimators:stubborn"})
    assert not retrained(definition, stores, day(30)).promoted
    verdict, sentence = gates(stores, definition)["infrastructure"]
    assert verdict == "fail"
    assert sentence.startswith("In a fresh process the model cannot predict a category that is new (cannot predict: ValueError at ")


def test_missing_values_must_be_taken_only_where_there_are_some(
    define: Define, stores: Stores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """An estimator that refuses them passes on whole data; where the holdout lacks a value, it is refused, and no error."""
    definition = define(estimator={"path": "odd_estimators:plain"})
    retrained(definition, stores, day(30))
    whole = "none, new categories and values that are all there (it refuses missing ones, and met none); 1 000 rows take "
    verdict, sentence = gates(stores, definition)["infrastructure"]
    assert (verdict, whole in sentence) == ("pass", True)
    rows = tables["conditions"]
    humidity = rows["humidity"].to_pylist()
    humidity[24 * 30] = None
    tables["conditions"] = rows.set_column(rows.column_names.index("humidity"), "humidity", pa.array(humidity))
    assert not retrained(definition, stores, day(33)).promoted
    verdict, sentence = gates(stores, definition)["infrastructure"]
    assert verdict == "fail"
    assert sentence.startswith("In a fresh process the model cannot predict a missing value in a column that has some (cannot ")


def test_bytes_that_are_not_what_was_signed_are_an_error_and_no_verdict(
    definition: Definition, stores: Stores, retrained: Retrain
) -> None:
    """Somebody else may have written them, so that nothing is said about the model."""
    retrained(definition, stores, day(30))
    [version] = stores.ledger.history(ModelVersion, definition.name)
    strange = replace(stores, signing_key=b"another key that is long enough!")
    said = r"^model [0-9a-f]{12}: must be signed with this installation's key \[ARTIFACT_SIGNATURE\]$"
    with pytest.raises(ArtifactError, match=said):
        infrastructure(definition, strange, version, rows_of(definition, stores, version))


def rows_of(definition: Definition, stores: Stores, version: ModelVersion) -> pa.Table:
    """Return the rows that a version was trained and judged on."""
    snapshot, validation = stores.ledger.get(Snapshot, version.snapshot), stores.ledger.get(Validation, version.validation)
    return clean_rows(definition, stores, snapshot, validation)


def test_the_budget_is_held_against_what_was_measured(define: Define, stores: Stores, retrained: Retrain) -> None:
    """What is generous passes, what nothing could keep fails, and a failed figure refuses the challenger."""
    budget = {"fit": "10m", "predict": "1ms", "memory": "1MiB", "beside_baseline": 1000.0}
    definition = define(evaluation={"gates": {"budget": budget}})
    assert not retrained(definition, stores, day(30)).promoted
    found = gates(stores, definition)
    assert {name: found[name][0] for name in found if name.startswith("budget.")} == {
        "budget.fit": "pass",
        "budget.predict": "fail",
        "budget.memory": "fail",
        "budget.beside_baseline": "pass",
    }
    [evaluation] = stores.ledger.history(Evaluation, definition.name)
    assert evaluation.verdict is Verdict.FAIL
    assert evaluation.sentence.startswith("The challenger fails at budget.predict, budget.memory, with mae challenger ")


def test_the_second_fit_of_the_noise_gate_is_apart_too(define: Define, stores: Stores, retrained: Retrain) -> None:
    """It is told beside the others, and its limits are those of the fit. A crash is a verdict, and nothing that stops."""
    definition = define(evaluation={"gates": {"noise": {"among": 1}}})
    retrained(definition, stores, day(30))
    assert gates(stores, definition)["noise"][0] == "pass"
    [evaluation] = stores.ledger.history(Evaluation, definition.name)
    version = stores.ledger.get(ModelVersion, evaluation.challenger)
    rows = rows_of(definition, stores, version)
    crashing = define(estimator={"path": "odd_estimators:crashing"})
    said = "was ended by SIGSEGV before it was done [MODEL_CRASHED]"
    assert noise_of(crashing, stores, 1, learnt=rows, held_out=rows) == GateResult(
        gate="noise",
        verdict=Verdict.ERROR,
        sentence=f"The estimator fails with a column of random numbers ({said}): cannot be told.",
    )


def test_the_first_measured_evaluation_stands(definition: Definition, postgres_stores: Stores, retrained: Retrain) -> None:
    """Every run measures other times; they are no part of what names an evaluation."""
    retrained(definition, postgres_stores, day(30))
    [first] = postgres_stores.ledger.history(Evaluation, definition.name)
    retrained(definition, postgres_stores, day(30))
    assert postgres_stores.ledger.history(Evaluation, definition.name) == [first]


def test_the_workshop_has_one_thread_after_its_imports(definition: Definition, stores: Stores, retrained: Retrain) -> None:
    """A fork of a process with threads may wait for ever."""
    retrained(definition, stores, day(30))
    line = stores.workshop._line  # type: ignore[attr-defined]  # the process behind the port
    tasks = Path(f"/proc/{line.process.pid}/task")
    if not tasks.exists():
        pytest.skip("there is no /proc to count threads in")
    assert len(os.listdir(tasks)) == 1  # noqa: PTH208 - names are enough
