"""The champion's predictions are counted in the pass that makes them."""

from __future__ import annotations

from perennial.core.receipts import Evaluation, Purpose
from perennial.definition.models import Definition
from perennial.monitoring.counting.profile import Profile, profile
from perennial.monitoring.loss.outlook import PREDICTION, Outlook
from perennial.ports import Stores
from perennial.steps.extract import extract
from perennial.steps.predict import predict
from perennial.steps.validate import validate
from perennial.testing.story import day, night


def test_the_receipt_names_the_counts_of_the_predictions(definition: Definition, championed: Stores) -> None:
    """Over the edges of the outlook; they are what counting the published predictions gives."""
    snapshot = extract(definition, night(31), championed, purpose=Purpose.SCORE, as_of=day(32))
    validation = validate(definition, night(31), championed, snapshot=snapshot)
    predicted = predict(definition, night(31), championed, snapshot=snapshot, validation=validation)
    [evaluation] = championed.ledger.history(Evaluation, definition.name)
    edges = Outlook.from_json(championed.artifacts.get(evaluation.outlook or "")).of(PREDICTION).edges
    published = championed.ledger.stream_predictions(definition.name, within=night(31))
    expected = profile(edges, (batch.select([PREDICTION]) for batch in published))
    assert expected == Profile.from_json(championed.artifacts.get(predicted.outlook or ""))
    assert expected.rows == 24
