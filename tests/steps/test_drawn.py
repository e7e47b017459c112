"""A definition may cap the rows that are fitted; which ones are drawn is recorded, and the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.digest import canonical_json
from perennial.core.errors import DefinitionError
from perennial.core.receipts import Evaluation, ModelVersion, Publication, Snapshot, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.loader import load
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.arrays import days, within
from perennial.steps.drawn import drawn
from perennial.steps.reproduce import reproduce
from perennial.steps.snapshots.parts import Part, parts_of
from perennial.steps.snapshots.rows import clean_rows
from perennial.steps.snapshots.store_parts import store_parts
from perennial.steps.train import trained
from perennial.testing.story import day

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
MOST = 150
AT = day(30)


@pytest.fixture
def capped(define: Define) -> Definition:
    """The small definition, fitted to 150 rows; there are 408."""
    return define(estimator={"rows": MOST, "seed": 3})


@pytest.fixture
def version(capped: Definition, stores: Stores, retrained: Retrain) -> ModelVersion:
    """The version of day 30."""
    retrained(capped, stores, AT)
    [found] = stores.ledger.history(ModelVersion, capped.name)
    return found


def known_rows(definition: Definition, stores: Stores, version: ModelVersion) -> pa.Table:
    """Return all rows that could have been fitted."""
    ledger = stores.ledger
    rows = clean_rows(definition, stores, ledger.get(Snapshot, version.snapshot), ledger.get(Validation, version.validation))
    return within(rows, definition, version.trained_on)


def test_the_run_tells_how_many_rows_were_drawn_from_how_many(version: ModelVersion) -> None:
    """With the seed, and over how many days."""
    assert (version.rows, version.drawn_from, version.drawn_days, version.seed) == (MOST, 408, 17, 3)


def test_each_day_keeps_its_share(capped: Definition, stores: Stores, version: ModelVersion) -> None:
    """Of 24 rows each 8 or 9, in the order of time."""
    rows = drawn(capped, known_rows(capped, stores, version))
    assert set(np.unique(days(rows, capped), return_counts=True)[1]) == {8, 9}
    assert np.all(np.diff(days(rows, capped)) >= 0)
    assert rows.num_rows == MOST


def test_all_rows_of_the_holdout_judge(capped: Definition, stores: Stores, version: ModelVersion) -> None:
    """Three days of 24 rows but for the labels that came late, where a cap would leave 26."""
    [evaluation] = stores.ledger.history(Evaluation, capped.name)
    assert (evaluation.challenger, evaluation.rows) == (version.id, 67)


def test_fewer_rows_than_the_cap_are_all_fitted(define: Define, stores: Stores, retrained: Retrain) -> None:
    """Nothing is drawn, and nothing is told of a draw."""
    definition = define(estimator={"rows": 408})
    retrained(definition, stores, AT)
    [found] = stores.ledger.history(ModelVersion, definition.name)
    assert (found.rows, found.drawn_from, found.drawn_days) == (408, None, None)


def test_the_noise_gate_fits_its_copy_to_as_few_rows(
    define: Define, stores: Stores, retrained: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimator refuses to be fitted to more."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "files"))
    definition = define(
        estimator={"path": "odd_estimators:frugal", "rows": MOST},
        evaluation={"gates": {"noise": {"among": 1}}},
    )
    retrained(definition, replace(stores, trusted=frozenset({"odd_estimators.Frugal"})), AT)
    [evaluation] = stores.ledger.history(Evaluation, definition.name)
    [noise] = [gate for gate in evaluation.gates if gate.gate == "noise"]
    assert noise.verdict is Verdict.PASS, noise.sentence


def test_a_drawn_training_is_reproduced(capped: Definition, stores: Stores, version: ModelVersion) -> None:
    """Model, baseline and profile, byte by byte."""
    assert reproduce(capped, stores, run=version.training_run).equal


def test_how_a_snapshot_lies_in_parts_does_not_matter(capped: Definition, stores: Stores, version: ModelVersion) -> None:
    """The same rows in seven parts give the same model, baseline and profile."""
    ledger = stores.ledger
    snapshot = ledger.get(Snapshot, version.snapshot)
    whole = parts_of(stores.artifacts, snapshot.digest)
    cut = {"rows": _cut(stores, whole.rows), "labels": _cut(stores, whole.labels)}
    again = ledger.record(snapshot.model_copy(update={"digest": stores.artifacts.put(canonical_json({"parts": cut}))}))

    made = trained(
        capped,
        training_window(capped, AT),
        stores,
        snapshot=again,
        validation=ledger.get(Validation, version.validation),
        reason="again",
    )

    assert len(cut["rows"]) == 7
    assert (made.artifact, made.baseline, made.profile) == (version.artifact, version.baseline, version.profile)


def test_the_order_of_rows_does_not_matter(capped: Definition, stores: Stores, version: ModelVersion) -> None:
    """What is drawn follows from the rows' keys."""
    rows = known_rows(capped, stores, version)
    shuffled = rows.take(pa.array(np.random.default_rng(0).permutation(rows.num_rows)))
    assert drawn(capped, shuffled).sort_by("event_at") == drawn(capped, rows)


def test_a_definition_without_a_cap_keeps_its_digest(define: Define) -> None:
    """What was trained before there was one can be reproduced."""
    assert b'"rows"' not in define().content
    assert b'"rows":150' in define(estimator={"rows": 150}).content


def test_a_search_one_at_a_time_keeps_its_digest(define: Define) -> None:
    """As before jobs could be given."""
    one = {"parameters": {"alpha": [1, 2]}}
    assert b"jobs" not in define(estimator={"search": one}).content
    assert b'"jobs":2' in define(estimator={"search": {**one, "jobs": 2}}).content


def test_a_cap_of_too_few_rows_is_a_fault(tmp_path: Path, capped: Definition) -> None:
    """The check names the key and what is allowed."""
    path = tmp_path / f"{capped.name}.yml"
    path.write_bytes(capped.content.replace(b'"rows":150', b'"rows":99'))
    with pytest.raises(DefinitionError, match=r"estimator\.rows: must be between 100 and 1000000000, got 99"):
        load(path)


def _cut(stores: Stores, parts: tuple[Part, ...]) -> list[object]:
    """Store the rows of a single part again, in seven parts."""
    (whole,) = parts
    with stores.artifacts.fetch(whole.digest) as path:
        rows = pa.parquet.read_table(path).combine_chunks()
    starts = np.linspace(0, rows.num_rows, 8).astype(int)
    pieces = [rows.slice(start, end - start) for start, end in pairwise(starts)]
    return [part.model_dump() for piece in pieces for part in store_parts((batch for batch in piece.to_batches()), stores)]
