"""A model that was retired comes back by a retraining by hand, whatever was asked for, or trained, before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from perennial.core.receipts import ALL, ModelVersion, Promotion, Publication, Purpose, RequestState, RetrainRequest
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.assign import Person, by_hand, on_schedule
from perennial.steps.evaluate import evaluate
from perennial.steps.extract import extract
from perennial.steps.fulfil import fulfil
from perennial.steps.publish import publish
from perennial.steps.retire import retire
from perennial.steps.train import train
from perennial.steps.validate import validate
from perennial.testing.story import day

Retrain = Callable[[Definition, Stores, datetime], Publication]


def retrain_by_hand(definition: Definition, stores: Stores, cut_off: datetime) -> Publication:
    """Let a person retrain, whatever the cooldown says."""
    person = Person(name="ana", cut_off=cut_off, reason="it is wanted again", force=True)
    job, why = by_hand(definition, stores.ledger, person, claimed_by="a run")
    assert job is not None, why
    return fulfil(definition, job, stores, claimed_by="a run", actor="ana")


def over(definition: Definition, stores: Stores) -> None:
    """Retire the model."""
    retire(definition, ALL, stores, effective_from=day(30), reason="a new meter", actor="ana")


def test_a_version_that_the_schedule_made_comes_back_by_hand(definition: Definition, stores: Stores, retrained: Retrain) -> None:
    """The model was retired while the schedule retrained it; the same data and cut-off give the same version."""
    retrained(definition, stores, day(28))
    job, _ = on_schedule(definition, stores.ledger, day(33), claimed_by="tick")
    assert job is not None
    snapshot = extract(definition, job.interval, stores, purpose=Purpose.TRAIN, as_of=job.as_of)
    validation = validate(definition, job.interval, stores, snapshot=snapshot)
    seen: dict[str, Any] = {"snapshot": snapshot, "validation": validation}
    version = train(definition, job.interval, stores, **seen, reason=job.reason, request=job.request)
    over(definition, stores)
    evaluation = evaluate(definition, job.interval, stores, **seen, version=version)
    refused = publish(definition, job.interval, stores, evaluation=evaluation, actor="schedule")
    assert refused.sentence == f"{version.id} passed, but the model was retired by ana: a new meter"
    stores.ledger.settle_request(job.request, refused.sentence)

    done = retrain_by_hand(definition, stores, day(33))

    assert (done.promoted, done.champion, done.epoch) == (True, version.id, 3)
    assert len(stores.ledger.history(ModelVersion, definition.name)) == 2


def test_a_request_from_before_the_retirement_is_closed_by_the_person_who_retrains(
    definition: Definition, stores: Stores, retrained: Retrain
) -> None:
    """The run of the schedule died, and its request was never settled. The person's own is answered."""
    retrained(definition, stores, day(28))
    on_schedule(definition, stores.ledger, day(33), claimed_by="a run that died")
    over(definition, stores)

    done = retrain_by_hand(definition, stores, day(34))

    assert done.promoted
    requests = stores.ledger.history(RetrainRequest, definition.name)
    assert [(row.origin[:8], row.state, row.outcome) for row in requests] == [
        ("schedule", RequestState.DONE, "The model was retired by ana: a new meter"),
        ("by hand ", RequestState.DONE, done.sentence),
    ]
    assert [row.version for row in stores.ledger.history(Promotion, definition.name)][1:] == [None, done.champion]
