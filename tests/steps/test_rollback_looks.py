"""Promise 8: a rollback looks before it leaps. What cannot be loaded or cannot predict does not become champion again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from statistics import fmean, pstdev
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, ConflictError, DataError, UnavailableError
from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, PromotionKind, Publication, Receipt, Role, Snapshot
from perennial.definition.models import Definition
from perennial.learning.manifest import sealed, unsealed
from perennial.ports import Selection, Stores
from perennial.steps.loop import score
from perennial.steps.preview import preview
from perennial.steps.retire import retire
from perennial.steps.rollback import rollback
from perennial.steps.scoring.spread import spread_of
from perennial.testing import MemoryArtifacts
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
FEWER = {"features": {"numeric": ["temperature", "humidity"], "time": ["hour", "weekday"]}}


@pytest.fixture
def reigned(definition: Definition, championed: Stores, retrained: Retrain) -> Stores:
    """Stores with two champions, the second one in force from day 33, and the nights 33 to 37 predicted by it."""
    assert retrained(definition, championed, day(33)).promoted
    for number in range(33, 38):
        score(definition, night(number), championed, as_of=day(number + 1))
    return championed


def made(stores: Stores, definition: Definition) -> tuple[ModelVersion, ModelVersion]:
    """Return the first and the second version."""
    first, second = stores.ledger.history(ModelVersion, definition.name)[:2]
    return first, second


def go_back(definition: Definition, stores: Stores, **more: Any) -> Promotion:
    """Roll back at the end of night 37."""
    return rollback(definition, "all", stores, effective_from=day(38), reason="too low", actor="ana", **more)


def champion(stores: Stores, definition: Definition) -> str | None:
    """Return the version that is champion now."""
    promotion = stores.ledger.champion(definition.name)
    return promotion.version if promotion else None


def test_both_versions_are_scored_on_tonights_rows(definition: Definition, reigned: Stores) -> None:
    """Mean and spread of the present champion are those of what it published; the other one's lie elsewhere."""
    first, second = made(reigned, definition)

    seen = preview(definition, "all", reigned)

    published = reigned.ledger.predictions(definition.name, within=night(37)).column("prediction").to_pylist()
    found = seen.tried.predictions
    assert (seen.version, seen.present, seen.epoch, seen.tried.interval) == (first.id, second.id, 2, night(37))
    assert (found[second.id].rows, found[second.id].low, found[second.id].high) == (24, min(published), max(published))
    assert found[second.id].mean == pytest.approx(fmean(published), rel=1e-12)
    assert found[second.id].deviation == pytest.approx(pstdev(published), rel=1e-12)
    assert found[first.id].rows == 24
    assert found[first.id].mean != found[second.id].mean
    assert (seen.tried.remarks, seen.remarks) == ((), ())


def test_both_versions_are_compared_on_the_nights_whose_labels_have_come(
    definition: Definition, reigned: Stores, tables: dict[str, pa.Table]
) -> None:
    """The loss of the present champion is that of what it published, on the nights that neither was trained on."""
    first, second = made(reigned, definition)

    seen = preview(definition, "all", reigned)

    assert seen.comparison is not None
    rides = {row["event_at"]: row["rides"] for row in tables["rides"].to_pylist() if row["available_at"] <= day(38)}
    published = reigned.ledger.predictions(definition.name, within=Interval(day(33), day(37))).to_pylist()
    errors = [abs(row["prediction"] - rides[row["event_at"]]) for row in published if row["event_at"] in rides]
    assert (seen.comparison.interval, seen.comparison.rows) == (Interval(day(33), day(37)), len(errors))
    assert len(errors) > 80
    assert set(seen.comparison.metrics) == {first.id, second.id}
    assert seen.comparison.metrics[second.id]["mae"].value == pytest.approx(fmean(errors), rel=1e-9)
    assert [gate.gate for gate in seen.comparison.gates][:2] == ["baseline", "champion"]
    assert seen.comparison.sentence == seen.comparison.gates[1].sentence


def test_before_a_night_was_scored_the_newest_evaluation_is_looked_at(
    definition: Definition, championed: Stores, retrained: Retrain
) -> None:
    """Its holdout is scored, and the figures beside each other are those of the evaluation."""
    retrained(definition, championed, day(33))
    first, second = made(championed, definition)
    [evaluation] = championed.ledger.history(Evaluation, definition.name, newest=1)

    seen = preview(definition, "all", championed)

    assert seen.comparison is not None
    assert (seen.tried.interval, seen.tried.predictions[first.id].rows) == (evaluation.holdout, evaluation.rows)
    assert (seen.comparison.interval, seen.comparison.rows) == (evaluation.holdout, evaluation.rows)
    assert seen.comparison.metrics[second.id] == evaluation.metrics["challenger"]


def test_a_look_leaves_no_trace(definition: Definition, reigned: Stores) -> None:
    """Neither a row nor an artifact."""
    artifacts = cast("MemoryArtifacts", reigned.artifacts)
    before = (traces(reigned, definition), set(artifacts.contents), sorted(reigned.scratch.iterdir()))
    preview(definition, "all", reigned)
    assert (traces(reigned, definition), set(artifacts.contents), sorted(reigned.scratch.iterdir())) == before


def traces(stores: Stores, definition: Definition) -> list[list[Receipt]]:
    """Return the rows that a look could have added."""
    return [list(stores.ledger.history(kind, definition.name)) for kind in (Promotion, ModelVersion, Evaluation)]


@pytest.mark.parametrize("part", ["artifact", "baseline", "profile"])
def test_promise_8_a_version_that_is_lost_does_not_become_champion_again(
    definition: Definition, reigned: Stores, part: str
) -> None:
    """All that a night needs of it is looked at: the model, its baseline, its reference profile."""
    first, second = made(reigned, definition)
    reigned.artifacts.delete(getattr(first, part))
    with pytest.raises(ArtifactError) as caught:
        go_back(definition, replace(reigned, loaded={}))
    assert caught.value.code is Code.ARTIFACT_MISSING
    assert champion(reigned, definition) == second.id


def test_promise_8_a_version_that_was_tampered_with_does_not_become_champion_again(definition: Definition, reigned: Stores) -> None:
    """One byte of its manifest is enough."""
    first, second = made(reigned, definition)
    contents = cast("MemoryArtifacts", reigned.artifacts).contents
    contents[first.artifact] = contents[first.artifact].replace(b"perennial", b"Perennial", 1)
    with pytest.raises(ArtifactError) as caught:
        go_back(definition, replace(reigned, loaded={}))
    assert caught.value.code is Code.ARTIFACT_CHECKSUM
    assert champion(reigned, definition) == second.id


def test_promise_8_a_version_of_another_environment_does_not_become_champion_again(definition: Definition, reigned: Stores) -> None:
    """After an upgrade it would predict nothing; its successor stays."""
    first, second = made(reigned, definition)
    body = unsealed(reigned.artifacts.get(first.artifact), "model")
    older = {**body, "versions": {**body["versions"], "scikit-learn": "1.0.0"}}
    manifest = reigned.artifacts.put(sealed(older, reigned.signing_key))
    reigned.ledger.record(first.model_copy(update={"id": "old", "training_run": "old", "artifact": manifest}))
    for epoch, version in ((3, "old"), (4, second.id)):
        newest = reigned.ledger.history(Promotion, definition.name)[-1]
        change = {"epoch": epoch, "version": version, "kind": PromotionKind.ROLLBACK, "evaluation": None}
        reigned.ledger.promote(newest.model_copy(update=change))
    with pytest.raises(ArtifactError) as caught:
        go_back(definition, reigned, to="old")
    assert caught.value.code is Code.ENVIRONMENT_MISMATCH
    assert champion(reigned, definition) == second.id


def test_promise_8_a_version_that_cannot_predict_tonights_rows_does_not_become_champion_again(
    define: Define, championed: Stores, retrained: Retrain
) -> None:
    """Its feature is not read any more."""
    definition = define(**FEWER)
    second = retrained(definition, championed, day(33)).champion
    score(definition, night(33), championed, as_of=day(34))
    with pytest.raises(DataError, match=r"^wet: is not among the rows' columns \[SCHEMA_MISSING\]$"):
        go_back(definition, championed)
    assert champion(championed, definition) == second


def test_a_champion_that_is_broken_can_be_left(definition: Definition, reigned: Stores) -> None:
    """It may be the reason for the rollback; what could not be looked at is told."""
    first, second = made(reigned, definition)
    reigned.artifacts.delete(second.artifact)
    fresh = replace(reigned, loaded={})

    seen = preview(definition, "all", fresh)
    row = go_back(definition, fresh)

    assert list(seen.tried.predictions) == [first.id]
    assert [remark.partition(": ")[0] for remark in (*seen.tried.remarks, *seen.remarks)] == [
        f"{second.id}, the present champion, cannot predict these rows",
        "The two cannot be compared on labelled rows",
    ]
    assert all(second.artifact[:12] in remark for remark in (*seen.tried.remarks, *seen.remarks))
    assert (seen.comparison, row.version) == (None, first.id)


def test_a_source_that_is_away_does_not_stop_a_rollback(definition: Definition, reigned: Stores) -> None:
    """The rows were kept; without the newest labels, the newest evaluation's rows are looked at."""

    class Away:
        def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
            raise UnavailableError(Code.STORE_UNAVAILABLE, "cannot be reached", where=selection.relation)

    away = replace(reigned, source=lambda _: Away())
    seen = preview(definition, "all", away)
    [evaluation] = reigned.ledger.history(Evaluation, definition.name, newest=1)
    assert seen.remarks == ("The labels of the last nights cannot be read: rides: cannot be reached [STORE_UNAVAILABLE]",)
    assert seen.comparison is not None
    assert seen.comparison.interval == evaluation.holdout
    assert go_back(definition, away).epoch == 3


def test_a_night_whose_rows_are_lost_does_not_stop_a_rollback(definition: Definition, reigned: Stores) -> None:
    """The version was loaded, and that there was nothing to try it on is told."""
    snapshot = reigned.ledger.history(Snapshot, definition.name, within=night(37))[-1]
    reigned.artifacts.delete(snapshot.digest)
    first, _ = made(reigned, definition)
    seen = preview(definition, "all", reigned)
    assert seen.tried.predictions == {}
    assert seen.tried.remarks[0].startswith(f"There are no rows to try {first.id} on: ")
    assert go_back(definition, reigned).version == first.id


def test_a_night_that_was_a_data_fault_is_not_looked_at(
    definition: Definition, reigned: Stores, tables: dict[str, pa.Table]
) -> None:
    """The newest one that passed is."""
    conditions = tables["conditions"]
    position = conditions.column_names.index("temperature")
    tables["conditions"] = conditions.set_column(position, "temperature", pa.array(np.full(conditions.num_rows, -200.0)))
    assert score(definition, night(38), reigned, as_of=day(39)).rule == "data_fault"
    assert preview(definition, "all", reigned).tried.interval == night(37)


def test_a_retired_models_last_champion_is_looked_at_alone(definition: Definition, reigned: Stores) -> None:
    """There is none beside it."""
    _, second = made(reigned, definition)
    retire(definition, "all", reigned, effective_from=day(38), reason="no more bikes", actor="ana")
    seen = preview(definition, "all", reigned)
    assert (seen.version, seen.present, list(seen.tried.predictions), seen.comparison) == (second.id, None, [second.id], None)


def test_who_looked_too_long_ago_is_told(definition: Definition, reigned: Stores, retrained: Retrain) -> None:
    """Somebody promoted between the look and the leap; what was seen is not what would be replaced."""
    seen = preview(definition, "all", reigned)
    third = retrained(definition, reigned, day(38)).champion
    with pytest.raises(ConflictError) as caught:
        go_back(definition, reigned, seen=seen)
    assert caught.value.code is Code.PROMOTE_CONFLICT
    assert champion(reigned, definition) == third


def test_the_nights_after_a_rollback_have_the_old_champion_in_all_their_rows(definition: Definition, reigned: Stores) -> None:
    """And what was seen is what comes: the night that was looked at, predicted by it, has just these figures."""
    first, _ = made(reigned, definition)
    seen = preview(definition, "all", reigned)
    go_back(definition, reigned, seen=seen, since=day(37))
    score(definition, night(37), reigned, as_of=day(38))
    published = reigned.ledger.predictions(definition.name, role=Role.CHAMPION, within=night(37))
    assert set(published.column("version").to_pylist()) == {first.id}
    assert spread_of([np.array(published.column("prediction").to_pylist())]) == seen.tried.predictions[first.id]
