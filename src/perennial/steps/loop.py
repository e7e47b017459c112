"""The two flows, step after step, for those who run them without Airflow."""

from __future__ import annotations

from datetime import datetime

from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Approval, Decision, Measurement, Publication, Purpose, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.decide import decide
from perennial.steps.evaluate import evaluate
from perennial.steps.extract import extract
from perennial.steps.jobs import FIT
from perennial.steps.monitor import monitor
from perennial.steps.predict import predict
from perennial.steps.publish import publish
from perennial.steps.train import train
from perennial.steps.validate import validate


def score(definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime, segment: str = ALL) -> Decision:
    """Run one night of *segment*: extract, validate, predict, monitor, decide."""
    validation, measurement = observe(definition, interval, stores, as_of=as_of, segment=segment)
    return decide(definition, interval, stores, measurement=measurement, validation=validation)


def observe(
    definition: Definition, interval: Interval, stores: Stores, *, as_of: datetime, segment: str = ALL
) -> tuple[Validation, Measurement]:
    """Run a night up to, but without, its decision."""
    snapshot = extract(definition, interval, stores, purpose=Purpose.SCORE, as_of=as_of, segment=segment)
    validation = validate(definition, interval, stores, snapshot=snapshot)
    predicted = predict(definition, interval, stores, snapshot=snapshot, validation=validation)
    return validation, monitor(definition, interval, stores, snapshot=snapshot, validation=validation, predicted=predicted)


def retrain(
    definition: Definition,
    interval: Interval,
    stores: Stores,
    *,
    reason: str,
    actor: str,
    as_of: datetime | None = None,
    request: str | None = None,
    approval: Approval | None = None,
    segment: str = ALL,
) -> Publication:
    """Run one retraining on the window *interval*: extract, validate, train, evaluate, publish.

    It knows what was known at the window's end, or as of the cut-off where one is given. While the rows are read and checked, the
    workshop gets ready to fit.
    """
    stores.workshop.prepare(FIT)
    snapshot = extract(definition, interval, stores, purpose=Purpose.TRAIN, as_of=as_of or interval.end, segment=segment)
    validation = validate(definition, interval, stores, snapshot=snapshot)
    version = train(definition, interval, stores, snapshot=snapshot, validation=validation, reason=reason, request=request)
    evaluation = evaluate(definition, interval, stores, snapshot=snapshot, validation=validation, version=version)
    return publish(definition, interval, stores, evaluation=evaluation, approval=approval, actor=actor)
