"""The tasks that the DAG files compose: one per step, with its receipt as JSON from task to task.

A task opens the stores, takes the lease, calls its step and returns the receipt; of a model with segments it does so for each
of its batch. Steps are imported inside the tasks, because a DAG file is parsed every few seconds and they import what is heavy.

Each task logs what came out in a sentence. Its receipt is in XCom and in the ledger, so the log does not repeat it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, DataError
from perennial.core.interval import iso
from perennial.core.receipts import (
    ALL,
    Evaluation,
    Measurement,
    ModelVersion,
    Predicted,
    Receipt,
    Snapshot,
    Validation,
)
from perennial.definition.models import Definition
from perennial.orchestration.approval import answer_of
from perennial.orchestration.assets import MODEL, PREDICTIONS, SNAPSHOT, announce_all, inlet, outlet, outlet_of_all
from perennial.orchestration.batches import Handed, Json, called, done, found_in, rules
from perennial.orchestration.figures import report_age
from perennial.orchestration.lineage import reads_source
from perennial.orchestration.runs import actor, current_run, opened_stores, purpose
from perennial.orchestration.window import segments, window
from perennial.ports import Stores
from perennial.steps.assign import Assignment, unsettled

WHOLE: Mapping[str, Any] = MappingProxyType({"multiple_outputs": False, "show_return_value_in_logs": False})
"""Of a function that returns a dict, Airflow would otherwise hand over each key, too."""

_log = logging.getLogger(__name__)


def extract(definition: Definition, begun: Handed = None) -> Handed:
    """Copy the rows of the night, or of the training window in what was *begun* with a claim."""

    @task(task_id="extract", **WHOLE, **called(definition), **outlet(definition, SNAPSHOT))
    def extract(begun: Json | None) -> Json:
        from perennial.steps.extract import extract as step  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, claimed: Json | None) -> Receipt:
            asked = Assignment.model_validate(claimed) if claimed else window(definition, current_run(), purpose())
            snapshot = step(definition, asked.interval, stores, purpose=purpose(), as_of=asked.as_of, segment=segment)
            read = f"{snapshot.rows} rows, {snapshot.label_rows} labels"
            _say(segment, "%s: %s, as of %s", read, snapshot.interval, iso(snapshot.as_of))
            if snapshot.skew:
                _say(segment, "%s", snapshot.skew.sentence)
            return snapshot

        wanted = _wanted(definition, begun)
        reads_source(definition)
        return done(definition, run, wanted)

    return extract(begun)


def validate(definition: Definition, extracted: Handed) -> Handed:
    """Check the rows; refused ones go to quarantine."""

    @task(task_id="validate", **WHOLE, **rules(definition))
    def validate(extracted: Json) -> Json:
        from perennial.steps.validate import LABELS  # noqa: PLC0415 - heavy
        from perennial.steps.validate import validate as step  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, extracted: Json) -> Receipt:
            snapshot = Snapshot.model_validate(extracted)
            validation = step(definition, snapshot.interval, stores, snapshot=snapshot)
            for finding in validation.findings:
                if finding.expectation == LABELS or not finding.success:
                    _say(segment, "%s", finding.sentence)
            _say(segment, "%s: %d rows, %d in quarantine", validation.verdict, validation.rows, validation.quarantined)
            return validation

        return done(definition, run, extracted)

    return validate(extracted)


def predict(definition: Definition, extracted: Handed, validated: Handed) -> Handed:
    """Publish the night's predictions, whole."""

    @task(task_id="predict", **WHOLE, **rules(definition), **inlet(definition, SNAPSHOT, MODEL), **outlet(definition, PREDICTIONS))
    def predict(extracted: Json, validated: Json) -> Json:
        from perennial.steps.predict import predict as step  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, extracted: Json, validated: Json) -> Receipt:
            snapshot, validation = Snapshot.model_validate(extracted), Validation.model_validate(validated)
            predicted = step(definition, snapshot.interval, stores, snapshot=snapshot, validation=validation)
            _say(segment, "%s", predicted.sentence)
            return predicted

        return done(definition, run, extracted, validated)

    return predict(extracted, validated)


def monitor(definition: Definition, extracted: Handed, validated: Handed, predicted: Handed) -> Handed:
    """Measure drift, and the loss of the nights whose labels have arrived."""

    @task(task_id="monitor", **WHOLE, **rules(definition))
    def monitor(extracted: Json, validated: Json, predicted: Json) -> Json:
        from perennial.steps.monitor import monitor as step  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, extracted: Json, validated: Json, predicted: Json) -> Receipt:
            snapshot, validation = Snapshot.model_validate(extracted), Validation.model_validate(validated)
            seen = Predicted.model_validate(predicted)
            measured = step(definition, snapshot.interval, stores, snapshot=snapshot, validation=validation, predicted=seen)
            for signal in measured.signals:
                _say(segment, "%s: %s: %s", signal.state, signal.name, signal.sentence)
            return measured

        return done(definition, run, extracted, validated, predicted)

    return monitor(extracted, validated, predicted)


def decide(definition: Definition, validated: Handed, measured: Handed) -> Handed:
    """Say what to do about the night. A retrain request that is not settled goes to the doorbell, whoever filed it, and when."""

    @task(task_id="decide", **WHOLE, **rules(definition))
    def decide(validated: Json, measured: Json) -> Json:
        from perennial.steps.decide import decide as step  # noqa: PLC0415 - heavy

        requests: list[Json] = []

        def run(stores: Stores, segment: str, validated: Json, measured: Json) -> Receipt:
            validation, measurement = Validation.model_validate(validated), Measurement.model_validate(measured)
            decision = step(definition, validation.interval, stores, measurement=measurement, validation=validation)
            request = unsettled(definition, stores.ledger, segment=segment)
            requests.extend([request.model_dump(mode="json")] if request else [])
            champion = stores.ledger.champion(definition.name, segment, at=decision.interval.end)
            if champion and champion.version:
                report_age(champion, decision.interval.end)
            _say(segment, "%s: %s", decision.action, decision.sentence)
            return decision

        try:
            return done(definition, run, validated, measured)
        finally:
            asked = requests if definition.segments else next(iter(requests), None)
            get_current_context()["ti"].xcom_push(key="request", value=asked)

    return decide(validated, measured)


def others(definition: Definition) -> Handed:
    """Count the rows of the night that belong to no segment.

    Its failure stops nothing: where the definition refuses such rows, it says that there are some.
    """

    @task(task_id="others", **WHOLE)
    def others() -> Json:
        from perennial.steps.others import others as step  # noqa: PLC0415 - heavy

        night = window(definition, current_run(), purpose())
        with opened_stores() as stores:
            found = step(definition, night.interval, stores, as_of=night.as_of)
            if found.refused:
                fix = f"name a segment for them, or say others: left_out; perennial others {definition.name} tells their values"
                raise DataError(Code.SEGMENT_OTHERS, found.sentence, where=definition.name, fix=fix)
        _log.info("%s", found.sentence)
        return found.model_dump(mode="json")

    return others()


def announced(definition: Definition) -> Handed:
    """Tell whoever waits for it what was made of all segments, as a task after the last one of the night."""
    made = outlet_of_all(definition, SNAPSHOT, PREDICTIONS)

    @task(task_id="announce", **WHOLE, trigger_rule="all_done", **inlet(definition, MODEL), **made)
    def announce() -> None:
        reads_source(definition)
        pull = get_current_context()["ti"].xcom_pull
        announce_all(definition, map(Snapshot.model_validate, found_in(pull(task_ids="extract"), "digest")))
        announce_all(definition, map(Predicted.model_validate, found_in(pull(task_ids="predict"), "sentence")))

    return announce()


def train(definition: Definition, claimed: Handed, extracted: Handed, validated: Handed) -> Handed:
    """Fit the challenger."""

    @task(task_id="train", **WHOLE, **rules(definition))
    def train(claimed: Json, extracted: Json, validated: Json) -> Json:
        from perennial.steps.train import train as step  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, claimed: Json, extracted: Json, validated: Json) -> Receipt:
            job, snapshot = Assignment.model_validate(claimed), Snapshot.model_validate(extracted)
            validation = Validation.model_validate(validated)
            version = step(
                definition, job.interval, stores, snapshot=snapshot, validation=validation, reason=job.reason, request=job.request
            )
            _say(segment, "%s: trained on %d rows of %s", version.id, version.rows, version.trained_on)
            return version

        return done(definition, run, claimed, extracted, validated)

    return train(claimed, extracted, validated)


def evaluate(definition: Definition, extracted: Handed, validated: Handed, trained: Handed) -> Handed:
    """Compare challenger, champion and baseline on the holdout."""

    @task(task_id="evaluate", **WHOLE, **rules(definition))
    def evaluate(extracted: Json, validated: Json, trained: Json) -> Json:
        from perennial.steps.evaluate import evaluate as step  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, extracted: Json, validated: Json, trained: Json) -> Receipt:
            snapshot, validation = Snapshot.model_validate(extracted), Validation.model_validate(validated)
            version = ModelVersion.model_validate(trained)
            evaluation = step(definition, snapshot.interval, stores, snapshot=snapshot, validation=validation, version=version)
            _say(segment, "%s: %s", evaluation.verdict, evaluation.sentence)
            return evaluation

        return done(definition, run, extracted, validated, trained)

    return evaluate(extracted, validated, trained)


def publish(definition: Definition, evaluated: Handed, answered: Handed = None) -> Handed:
    """Make the challenger champion, if it passed and, where the definition wants it, a person approved."""

    @task(task_id="publish", **WHOLE, **rules(definition), **outlet(definition, MODEL))
    def publish(evaluated: Json, answered: Json | None) -> Json:
        from perennial.steps.approve import answered as said_before  # noqa: PLC0415 - heavy
        from perennial.steps.approve import approve  # noqa: PLC0415 - heavy
        from perennial.steps.publish import publish as step  # noqa: PLC0415 - heavy
        from perennial.steps.publish import refused_as_stale  # noqa: PLC0415 - heavy

        def run(stores: Stores, segment: str, evaluated: Json) -> Receipt:
            evaluation, said = Evaluation.model_validate(evaluated), None
            if answered:
                answer = answer_of(definition, answered)
                said = said_before(evaluation, stores, verdict=answer.verdict, actor=answer.actor)
                said = said or approve(evaluation, stores, verdict=answer.verdict, actor=answer.actor, comment=answer.comment)
            try:
                made = step(definition, evaluation.interval, stores, evaluation=evaluation, approval=said, actor=actor())
            except ConflictError as stale:
                if said is None or stale.code != Code.PROMOTE_CONFLICT:
                    raise
                made = refused_as_stale(evaluation, stores, approval=said)
            _say(segment, "%s", made.sentence)
            return made

        reads_source(definition)
        return done(definition, run, evaluated)

    return publish(evaluated, answered)


def _wanted(definition: Definition, begun: Json | None) -> Json | None:
    """Return the segments of a batch that the run is about. Skips the batch where it is about none of them."""
    if definition.segments is None or begun is None:
        return begun
    found = {segment: begun[segment] for segment in segments(definition, current_run()) if segment in begun}
    if not found:
        raise AirflowSkipException("the run is about other segments")
    return found


def _say(segment: str, message: str, *values: object) -> None:
    """Log *message*, of one segment of several with its name in front."""
    _log.info(message if segment == ALL else f"%s: {message}", *(values if segment == ALL else (segment, *values)))
