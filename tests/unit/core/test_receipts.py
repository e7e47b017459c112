"""Receipts travel as JSON and come back the same."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from perennial.core.interval import Interval, moment
from perennial.core.receipts import (
    Decision,
    Estimate,
    Evaluation,
    Finding,
    GateResult,
    Promotion,
    Receipt,
    Signal,
    Snapshot,
    Validation,
)
from perennial.testing.story import Story

NIGHT = Interval.parse("2024-03-01T02:00Z/2024-03-02T02:00Z")
AS_OF = moment("2024-03-02T02:00Z")
SNAPSHOT = Snapshot(
    model="bike_demand", interval=NIGHT, digest="d" * 64, purpose="score", as_of=AS_OF, rows=24, label_rows=0, bytes=1000
)
FINDING = Finding(expectation="expect_x", column="t", success=False, rows=24, unexpected=2, sentence="2 of 24 are missing.")
SIGNAL = Signal(name="decay", kind="loss", state="insufficient evidence", value=None, threshold=20.0, n=3, sentence="Too few.")
RECEIPTS: list[Receipt] = [
    SNAPSHOT,
    Validation(
        model="bike_demand",
        interval=NIGHT,
        id="v",
        snapshot="d",
        purpose="train",
        as_of=AS_OF,
        verdict="fail",
        rows=24,
        quarantined=2,
        findings=(FINDING,),
    ),
    Evaluation(
        model="bike_demand",
        interval=NIGHT,
        id="e",
        challenger="c",
        champion=None,
        snapshot="d",
        as_of=AS_OF,
        holdout=NIGHT,
        rows=24,
        verdict="inconclusive",
        sentence="Too few rows.",
        metrics={"challenger": {"mae": Estimate(value=1.25, low=0.1)}},
        gates=(GateResult(gate="baseline", verdict="pass", sentence="Better."),),
    ),
    Promotion(model="bike_demand", epoch=1, version="c", kind="promote", effective_from=AS_OF, reason="first", actor="perennial"),
    Decision(
        model="bike_demand",
        interval=NIGHT,
        id="x",
        as_of=AS_OF,
        action="hold",
        rule="labels",
        sentence="s",
        signals=(SIGNAL,),
        measurement="m",
    ),
]


@pytest.mark.parametrize("receipt", RECEIPTS, ids=[type(receipt).__name__ for receipt in RECEIPTS])
def test_a_receipt_survives_json(receipt: Receipt) -> None:
    """XCom and the ledger keep JSON; nothing is lost in it."""
    assert type(receipt).model_validate_json(receipt.model_dump_json()) == receipt


def test_moments_are_written_with_z() -> None:
    """One way to write one moment, in receipts too."""
    assert SNAPSHOT.model_dump(mode="json")["as_of"] == "2024-03-02T02:00:00Z"


def test_a_receipt_is_frozen_and_refuses_what_it_does_not_know() -> None:
    """A record is not changed, and not extended by accident."""
    with pytest.raises(ValidationError, match="frozen"):
        SNAPSHOT.rows = 25  # type: ignore[misc]  # that it is read-only is what is tested
    with pytest.raises(ValidationError, match="extra"):
        Snapshot.model_validate({**SNAPSHOT.model_dump(), "path": "x"})


def test_the_segment_of_a_model_without_segments_is_all() -> None:
    """It is never empty, so that keys are the same everywhere."""
    assert SNAPSHOT.segment == "all"


def test_the_figures_on_slices_of_an_evaluation_stand_by_slice_and_role() -> None:
    """A slice's value may hold what the keys are made of; figures on all rows are of no slice."""
    one, two, three = (Estimate(value=value) for value in (1.0, 2.0, 3.0))
    metrics = {"challenger": {"mae": three}, "challenger[city=a[1]]": {"mae": one}, "champion[city=a[1]]": {"mae": two}}
    evaluation = Story().evaluation(0).model_copy(update={"metrics": metrics})
    assert evaluation.on_slices == {"city=a[1]": {"challenger": {"mae": one}, "champion": {"mae": two}}}
