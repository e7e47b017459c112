"""An evaluation keeps what the challenger looks at, and may ask that it is more than noise."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from perennial.core.receipts import Evaluation, ModelVersion, Publication, Verdict
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
FEATURES = {"temperature", "humidity", "wet", "hour", "weekday"}

PICKY = """
from perennial.learning.estimators import ridge_regressor

def three(*, columns, seed):
    if len(columns.numeric) != 3:
        raise ValueError("three numbers, please")
    return ridge_regressor(columns=columns, seed=seed)
"""


def newest(stores: Stores, definition: Definition) -> Evaluation:
    """Return the newest evaluation."""
    return stores.ledger.history(Evaluation, definition.name, newest=1)[0]


def said(evaluation: Evaluation) -> tuple[Verdict, str]:
    """Return what the gate of the noise said."""
    [found] = [gate for gate in evaluation.gates if gate.gate == "noise"]
    return found.verdict, found.sentence


def noisy(define: Define, among: int, **changes: Any) -> Definition:
    """Return the small definition with the gate."""
    return define(evaluation={"gates": {"noise": {"among": among}}}, **changes)


def test_an_evaluation_keeps_what_the_challenger_looks_at(definition: Definition, championed: Stores) -> None:
    """Every feature has its importance. Rides go by the hour before all else."""
    evaluation = newest(championed, definition)
    assert set(evaluation.importance) == FEATURES
    assert evaluation.ranked[0][0] == "hour"
    loss = evaluation.metrics["challenger"]["mae"].value
    assert evaluation.importance["hour"].low > 0.1 * loss
    assert "noise" not in {gate.gate for gate in evaluation.gates}


def test_the_ledger_gives_it_back(definition: Definition, postgres_stores: Stores, retrained: Retrain, stores: Stores) -> None:
    """PostgreSQL keeps every digit, and both ledgers hold the same."""
    for both in (postgres_stores, stores):
        retrained(definition, both, day(30))
    assert newest(postgres_stores, definition).importance == newest(stores, definition).importance


def test_a_model_that_looks_at_more_than_noise_passes(define: Define, stores: Stores, retrained: Retrain) -> None:
    """The gate is one of those that the verdict goes by, and is named in its sentence."""
    definition = noisy(define, among=2)
    assert retrained(definition, stores, day(30)).promoted
    evaluation = newest(stores, definition)
    verdict, sentence = said(evaluation)
    assert verdict is Verdict.PASS
    assert sentence.startswith("A column of random numbers has an importance of ")
    assert " rides (" in sentence
    assert sentence.endswith(" of 6 columns; asked for: not among the best 2: passed.")
    assert re.match(r"The challenger passes every gate \((\w+, )*noise(, \w+)*\), with mae ", evaluation.sentence)
    assert set(evaluation.importance) == FEATURES


def test_a_model_that_looks_at_noise_is_refused(define: Define, stores: Stores, retrained: Retrain) -> None:
    """The features are of another world: random numbers tell as much as these, and nobody becomes champion."""
    features = {"numeric": ["wet"], "time": ["weekday"]}
    definition = noisy(define, among=2, features=features, estimator={"path": "perennial.learning.estimators:ridge_regressor"})
    assert not retrained(definition, stores, day(30)).promoted
    verdict, sentence = said(newest(stores, definition))
    assert verdict is Verdict.FAIL
    assert sentence.endswith(
        "; clearly above that: no column. So it is number 1 of 3 columns; asked for: not among the best 2: failed."
    )
    assert stores.ledger.champion(definition.name) is None


def test_the_same_training_gives_the_same_noise(define: Define, new_stores: Callable[..., Stores], retrained: Retrain) -> None:
    """Its numbers come from the definition's seed."""
    definition = noisy(define, among=2)
    found = []
    for stores in (new_stores(), new_stores()):
        retrained(definition, stores, day(30))
        found.append((newest(stores, definition).importance, said(newest(stores, definition))))
    assert found[0] == found[1]


def test_a_search_is_made_again_for_the_copy(define: Define, stores: Stores, retrained: Retrain) -> None:
    """A copy is fitted in the way of the challenger."""
    search = {"parameters": {"alpha": [0.1, 1.0]}, "iterations": 2, "folds": 2}
    definition = noisy(define, among=2, estimator={"search": search})
    assert retrained(definition, stores, day(30)).promoted
    assert said(newest(stores, definition))[0] is Verdict.PASS


def test_an_estimator_that_takes_no_further_column_cannot_pass(
    define: Define, stores: Stores, retrained: Retrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be trained but not be judged, which is no pass; the sentence says why."""
    (tmp_path / "own_three.py").write_text(PICKY)
    monkeypatch.syspath_prepend(tmp_path)
    definition = noisy(define, among=2, estimator={"path": "own_three:three"})
    assert not retrained(definition, stores, day(30)).promoted
    evaluation = newest(stores, definition)
    why = "cannot be called with its parameters (ValueError: three numbers, please)"
    assert said(evaluation) == (Verdict.ERROR, f"The estimator fails with a column of random numbers ({why}): cannot be told.")
    assert evaluation.verdict is Verdict.ERROR
    assert stores.ledger.history(ModelVersion, definition.name)[0].id == evaluation.challenger
