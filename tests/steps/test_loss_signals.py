"""What the labels say of a champion: exactly once whatever is retried, by slice when a night has settled, and estimated before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.receipts import (
    ALL,
    Action,
    Decision,
    Evaluation,
    Measurement,
    NightLoss,
    Publication,
    Role,
    Signal,
    SignalState,
)
from perennial.definition.models import Definition
from perennial.monitoring.decision.policy import Facts, decide
from perennial.monitoring.loss.losses import LossOutlook
from perennial.monitoring.loss.outlook import Outlook
from perennial.ports import Artifacts, Stores
from perennial.steps.loop import score
from perennial.steps.measured_night import measured_night
from perennial.steps.measuring.loss_outlook import loss_outlook
from perennial.testing.story import day, night

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
NIGHTS = range(30, 35)


@pytest.fixture
def sliced(define: Define) -> Definition:
    """The small definition with two slices, whose labels have settled after three days, and a holdout of eight nights."""
    return define(
        label={"latest": "3d"},
        schedule={"window": {"kind": "sliding", "length": "28d"}},
        evaluation={"holdout": "8d", "slices": ["wet"], "gates": {"slices": {"minimum_rows": 20, "margin": "100%"}}},
    )


@pytest.fixture
def reigning(sliced: Definition, stores: Stores, retrained: Retrain) -> Stores:
    """Stores with a champion of it, effective from day 30."""
    assert retrained(sliced, stores, day(30)).promoted
    return stores


class Asked:
    """Artifacts that note what was asked for."""

    def __init__(self, artifacts: Artifacts) -> None:
        """Hand on to *artifacts*."""
        self.artifacts, self.asked = artifacts, list[str | None]()

    def get(self, digest: str) -> bytes:
        """Return the bytes of *digest*."""
        self.asked.append(digest)
        return self.artifacts.get(digest)

    def __getattr__(self, name: str) -> Any:
        """All else is as it was."""
        return getattr(self.artifacts, name)


def run(definition: Definition, stores: Stores, order: Sequence[int] = NIGHTS) -> dict[int, Measurement]:
    """Score the nights in *order*, each as of its own end, and return the measurements that stand then, by the night's number."""
    for number in order:
        score(definition, night(number), stores, as_of=day(number + 1))
    standing = {decision.interval: decision for decision in stores.ledger.history(Decision, definition.name)}
    return {number: stores.ledger.get(Measurement, standing[night(number)].measurement) for number in sorted(set(order))}


def said(measurement: Measurement, kind: str) -> Signal:
    """Return the one signal of a kind."""
    (signal,) = (signal for signal in measurement.signals if signal.kind == kind)
    return signal


def learnt(definition: Definition, stores: Stores) -> LossOutlook:
    """Return what the champion's evaluation learnt of its loss."""
    (evaluation,) = stores.ledger.history(Evaluation, definition.name)
    found = Outlook.from_json(stores.artifacts.get(evaluation.outlook or "")).losses
    assert found is not None
    return found


def test_an_evaluation_learns_how_the_loss_varies(sliced: Definition, reigning: Stores) -> None:
    """From row to row and from night to night, with the columns, and by slice; its mean is the evaluated one."""
    found = learnt(sliced, reigning)
    (evaluation,) = reigning.ledger.history(Evaluation, sliced.name)
    assert found.loss == "absolute"
    assert found.variation is not None
    assert found.variation.nights == 8
    assert found.curve is None
    assert found.effects is not None
    assert set(found.effects.groups) == {"temperature", "humidity", "wet", "(prediction)"}
    assert found.effects.mean == pytest.approx(evaluation.metrics["challenger"]["mae"].value)
    assert list(found.slices) == ["wet=0", "wet=1"]
    assert sum(part.rows for part in found.slices.values()) == evaluation.rows
    mean = sum(part.rows * part.loss for part in found.slices.values()) / evaluation.rows
    assert mean == pytest.approx(evaluation.metrics["challenger"]["mae"].value)


def test_a_nights_outlook_is_read_once(sliced: Definition, reigning: Stores) -> None:
    """For what moved, and for what the loss says."""
    first = run(sliced, reigning, [30])[30]
    (evaluation,) = reigning.ledger.history(Evaluation, sliced.name)
    asked: Any = Asked(reigning.artifacts)
    found = measured_night(sliced, night(30), ALL, replace(reigning, artifacts=asked))
    assert found == first
    assert asked.asked.count(evaluation.outlook) == 1


def test_nothing_is_learnt_from_losses_too_large_to_square(sliced: Definition) -> None:
    """And nothing breaks."""
    holdout = pa.table({"event_at": [day(1)], "rides": [1e100], "wet": [0]})
    assert loss_outlook(sliced, np.array([0.0]), holdout) == LossOutlook(loss="absolute", variation=None)


def test_slices_are_measured_once_their_night_has_settled(
    sliced: Definition, reigning: Stores, tables: dict[str, pa.Table]
) -> None:
    """On the fourth night those of the first, as the source's own rows say."""
    measured = run(sliced, reigning)
    parts = {number: [loss for loss in found.losses if loss.slice] for number, found in measured.items()}
    assert [len(parts[number]) for number in (30, 31, 32)] == [0, 0, 0]
    assert {loss.interval for loss in parts[33]} == {night(30)}
    wet = {row["event_at"]: row["wet"] for row in tables["conditions"].to_pylist()}
    rides = {row["event_at"]: row["rides"] for row in tables["rides"].to_pylist() if row["available_at"] <= day(34)}
    predicted = reigning.ledger.predictions(sliced.name, within=night(30)).to_pylist()
    for found in parts[33]:
        of_slice = [row for row in predicted if f"wet={wet[row['event_at']]}" == found.slice]
        losses = [abs(row["prediction"] - rides[row["event_at"]]) for row in of_slice if row["event_at"] in rides]
        assert (found.predicted, found.labelled) == (len(of_slice), len(losses))
        if losses:
            assert (found.loss, found.square) == pytest.approx((np.mean(losses), np.mean(np.square(losses))))
    assert said(measured[32], "slice_decay").state is SignalState.INSUFFICIENT
    assert said(measured[34], "slice_decay").state is SignalState.QUIET


@pytest.mark.parametrize("order", [(34, 33, 32, 31, 30), (33, 30, 34, 31, 32)])
def test_nights_in_any_order_end_in_the_same_figures(
    sliced: Definition, new_stores: Callable[..., Stores], retrained: Retrain, order: Sequence[int]
) -> None:
    """Of every signal and every slice."""
    found = []
    for nights in (NIGHTS, order):
        stores = new_stores()
        assert retrained(sliced, stores, day(30)).promoted
        found.append(run(sliced, stores, nights))
    assert found[0] == found[1]


def test_a_night_that_is_measured_again_counts_no_label_twice(sliced: Definition, reigning: Stores) -> None:
    """Every night twice more: the same evidence."""
    once = run(sliced, reigning)
    assert run(sliced, reigning, [number for number in NIGHTS for _ in range(2)]) == once


def test_labels_that_come_in_another_order_and_twice_are_the_same_evidence(
    sliced: Definition, new_stores: Callable[..., Stores], retrained: Retrain, tables: dict[str, pa.Table]
) -> None:
    """The source hands over its rows shuffled, and each of them twice."""
    plain = new_stores()
    assert retrained(sliced, plain, day(30)).promoted
    expected = run(sliced, plain)
    rides = tables["rides"]
    shuffled = np.random.default_rng(1).permutation(np.tile(np.arange(rides.num_rows), 2))
    other = new_stores(artifacts=plain.artifacts)
    assert retrained(sliced, other, day(30)).promoted
    tables["rides"] = rides.take(pa.array(shuffled))
    found = run(sliced, other)
    assert {number: (each.losses, said(each, "decay")) for number, each in found.items()} == {
        number: (each.losses, said(each, "decay")) for number, each in expected.items()
    }


def test_a_revision_is_a_new_figure_beside_the_old_one(sliced: Definition, reigning: Stores, tables: dict[str, pa.Table]) -> None:
    """Night 30 has other labels from day 33 on: what was measured on day 32 stands, and says the same when it is measured again."""
    rides, late = tables["rides"], day(33)
    rows = rides.filter([at in night(30) for at in rides["event_at"].to_pylist()])
    position = rows.column_names.index
    worse = rows.set_column(position("rides"), "rides", pa.array([900] * rows.num_rows, rows["rides"].type))
    worse = worse.set_column(position("available_at"), "available_at", pa.array([late] * rows.num_rows, rows["available_at"].type))
    tables["rides"] = pa.concat_tables([rides, worse])
    measured = run(sliced, reigning)

    def figure(number: int) -> NightLoss:
        (found,) = (
            loss for loss in measured[number].losses if (loss.interval, loss.role, loss.slice) == (night(30), Role.CHAMPION, None)
        )
        return found

    before, after = figure(31), figure(32)
    assert before.loss is not None
    assert after.loss is not None
    assert after.loss > 2 * before.loss
    assert run(sliced, reigning, [31])[31] == measured[31]


def test_a_night_is_estimated_before_its_labels_come(sliced: Definition, reigning: Stores) -> None:
    """From its 24 predictions, the first night on; the holdout's figure is near."""
    signal = said(run(sliced, reigning, [30])[30], "estimate")
    (evaluation,) = reigning.ledger.history(Evaluation, sliced.name)
    assert (signal.n, signal.state, signal.labelled) == (24, SignalState.QUIET, None)
    assert signal.value == pytest.approx(evaluation.metrics["challenger"]["mae"].value, rel=0.5)
    assert signal.sentence.startswith("an estimate from 24 predictions without labels: mean absolute error ")


def test_a_night_at_fault_has_no_estimate(sliced: Definition, reigning: Stores, tables: dict[str, pa.Table]) -> None:
    """Nothing was predicted."""
    rows = tables["conditions"]
    tables["conditions"] = rows.filter([at not in night(30) for at in rows["event_at"].to_pylist()])
    kinds = [signal.kind for signal in run(sliced, reigning, [30])[30].signals]
    assert kinds[:3] == ["decay", "baseline", "slice_decay"]
    assert "estimate" not in kinds


def test_the_outlook_of_another_loss_is_not_used(define: Define, reigning: Stores) -> None:
    """A definition that has turned to squared errors is judged by its own loss, without what was learnt of the other."""
    squared = define(evaluation={"metric": "rmse"})
    kinds = [signal.kind for signal in run(squared, reigning, [30])[30].signals]
    assert "estimate" not in kinds
    assert "decay" in kinds


@pytest.mark.parametrize("kind", ["estimate", "slice_decay"])
@pytest.mark.parametrize(("named", "action"), [(False, Action.WATCH), (True, Action.RETRAIN)])
def test_an_estimate_and_a_slice_ask_for_a_retraining_only_where_they_are_named(
    define: Define, kind: str, named: bool, action: Action
) -> None:
    """By ``retraining.causes``; labels of all rows decide else."""
    causes = ["decay", kind] if named else ["decay"]
    alarm = Signal(name=kind, kind=kind, state=SignalState.ALARM, value=2.0, threshold=1.0, n=9, sentence="it rose")
    facts = Facts(data_fault=None, champion_age=timedelta(days=9), rows=24, minimum_rows=12, signals=[alarm], refused_in_a_row=0)
    assert decide(facts, define(retraining={"causes": causes}).retraining).action is action
