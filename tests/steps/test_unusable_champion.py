"""A champion that cannot predict any more does not keep a good challenger out, and its gate says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.errors import ArtifactError
from perennial.core.receipts import Evaluation, GateResult, ModelVersion, Publication, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.loop import score
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

Define = Callable[..., Definition]
NewStores = Callable[..., Stores]
Retrain = Callable[[Definition, Stores, datetime], Publication]
SO = "So there is none to be compared with, and the other gates decide: passed."


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the odd estimators be found."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "files"))


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    """Artifacts that a test may damage."""
    return MemoryArtifacts()


@pytest.fixture
def reigned(artifacts: MemoryArtifacts, new_stores: NewStores, definition: Definition, retrained: Retrain) -> Stores:
    """Stores with a champion, which are opened anew."""
    stores = new_stores(artifacts=artifacts)
    assert retrained(definition, stores, day(30)).promoted
    return replace(stores, loaded={})


def newest(definition: Definition, stores: Stores) -> tuple[Evaluation, GateResult]:
    """Return the newest evaluation and what the champion's gate said in it."""
    [evaluation] = stores.ledger.history(Evaluation, definition.name, newest=1)
    [gate] = [gate for gate in evaluation.gates if gate.gate == "champion"]
    return evaluation, gate


def test_a_champion_whose_artifact_is_lost_is_replaced(
    definition: Definition, reigned: Stores, artifacts: MemoryArtifacts, retrained: Retrain
) -> None:
    """It predicts nothing until it is; the gate and the evaluation name the artifact."""
    [old] = reigned.ledger.history(ModelVersion, definition.name)
    del artifacts.contents[old.artifact]
    with pytest.raises(ArtifactError):
        score(definition, night(31), reigned, as_of=day(32))
    published = retrained(definition, reigned, day(33))
    evaluation, gate = newest(definition, reigned)
    missing = f"artifact {old.artifact}: is not in the store [ARTIFACT_MISSING]"
    said = f"{old.id} cannot predict here ({missing}), so it was left out."
    assert (published.promoted, evaluation.champion, evaluation.verdict) == (True, old.id, Verdict.PASS)
    assert gate == GateResult(gate="champion", verdict=Verdict.PASS, sentence=f"{said} {SO}")
    assert evaluation.sentence.endswith(said)
    assert set(evaluation.metrics) == {"challenger", "baseline"}
    score(definition, night(34), reigned, as_of=day(35))
    assert reigned.ledger.predictions(definition.name, within=night(34)).num_rows == 24


def test_a_champion_whose_artifact_is_damaged_is_replaced(
    definition: Definition, reigned: Stores, artifacts: MemoryArtifacts, retrained: Retrain
) -> None:
    """A bit of its manifest fell over."""
    [old] = reigned.ledger.history(ModelVersion, definition.name)
    content = artifacts.contents[old.artifact]
    artifacts.contents[old.artifact] = bytes([content[0] ^ 1]) + content[1:]
    assert retrained(definition, reigned, day(33)).promoted
    _, gate = newest(definition, reigned)
    assert "[ARTIFACT_CHECKSUM]), so it was left out. " in gate.sentence


def test_a_challenger_beside_a_lost_champion_must_pass_the_other_gates(
    define: Define, definition: Definition, reigned: Stores, artifacts: MemoryArtifacts, retrained: Retrain
) -> None:
    """One that is worse than the baseline is no better for that."""
    [old] = reigned.ledger.history(ModelVersion, definition.name)
    del artifacts.contents[old.artifact]
    zero = {"path": "sklearn.dummy:DummyRegressor", "parameters": {"strategy": "constant", "constant": 0.0}}
    assert not retrained(define(estimator=zero), reigned, day(33)).promoted
    evaluation, gate = newest(definition, reigned)
    assert (evaluation.verdict, gate.verdict) == (Verdict.FAIL, Verdict.PASS)


def test_a_champion_with_another_signature_stays_an_error(definition: Definition, reigned: Stores, retrained: Retrain) -> None:
    """It may be this process that has the wrong key; what it signs with that must not become champion."""
    elsewhere = replace(reigned, signing_key=b"another key that is long enough!", loaded={})
    before = reigned.ledger.champion(definition.name)
    with pytest.raises(ArtifactError, match=r"^model [0-9a-f]{12}: must be signed with this installation's key \[ARTIFACT_SIG"):
        retrained(definition, elsewhere, day(33))
    assert reigned.ledger.champion(definition.name) == before


def test_a_champion_that_has_no_figure_for_some_rows_is_replaced(
    define: Define, definition: Definition, new_stores: NewStores, tables: dict[str, pa.Table], retrained: Retrain
) -> None:
    """It was good on the days before; now it would fail every night."""
    stores = replace(new_stores(), trusted=frozenset({"shy_estimators.Fading"}))
    assert retrained(define(estimator={"path": "shy_estimators:fading"}), stores, day(30)).promoted
    rows = tables["conditions"]
    hot = rows["temperature"].to_numpy().copy()
    hot[24 * 30 + 15] = 34.9
    tables["conditions"] = rows.set_column(rows.column_names.index("temperature"), "temperature", pa.array(hot))
    assert np.count_nonzero(hot > 34.5) == 1
    assert retrained(definition, stores, day(33)).promoted
    _, gate = newest(definition, stores)
    assert gate.sentence.endswith(f"[PREDICTION_NONFINITE]), so it was left out. {SO}")


def test_a_crash_of_the_noise_gates_copy_is_a_verdict_and_keeps_the_champion(
    define: Define, definition: Definition, reigned: Stores, retrained: Retrain
) -> None:
    """The challenger itself is in order, and nobody can say what it takes for noise."""
    stores = replace(reigned, trusted=frozenset({"shy_estimators.Shy"}))
    asked = define(estimator={"path": "shy_estimators:shy"}, evaluation={"gates": {"noise": {"among": 1}}})
    before = stores.ledger.champion(definition.name)
    assert not retrained(asked, stores, day(33)).promoted
    [evaluation] = stores.ledger.history(Evaluation, definition.name, newest=1)
    [noise] = [gate for gate in evaluation.gates if gate.gate == "noise"]
    said = "was ended by SIGABRT before it was done [MODEL_CRASHED]"
    assert (evaluation.verdict, noise.verdict) == (Verdict.ERROR, Verdict.ERROR)
    assert noise.sentence == f"The estimator fails with a column of random numbers ({said}): cannot be told."
    assert evaluation.sentence.startswith("Whether the challenger passes cannot be told at noise, with mae ")
    assert stores.ledger.champion(definition.name) == before
    assert {"challenger", "baseline", "champion"} <= set(evaluation.metrics)


def test_what_the_champion_took_stands_beside_what_the_challenger_took(
    define: Define, definition: Definition, reigned: Stores, retrained: Retrain
) -> None:
    """Out of its own receipts: the version's for the fit, its evaluation's for predicting."""
    budget = {"fit": "10m", "predict": "10m", "memory": "100GiB", "beside_champion": 1000.0}
    assert retrained(define(evaluation={"gates": {"budget": budget}}), reigned, day(33)).promoted
    [evaluation] = reigned.ledger.history(Evaluation, definition.name, newest=1)
    said = {gate.gate: gate.sentence for gate in evaluation.gates if gate.gate.startswith("budget.")}
    assert {gate: sentence.count(" times the champion's ") for gate, sentence in said.items()} == {
        "budget.fit": 1,
        "budget.predict": 1,
        "budget.memory": 2,
        "budget.beside_champion": 4,
    }
