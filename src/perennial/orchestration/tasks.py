"""The tasks that the DAG files compose: one per step, with its receipt as JSON from task to task.

A task opens the stores, takes the lease, calls its step and returns the receipt. Steps are imported inside the tasks, because a DAG
file is parsed every few seconds and they import what is heavy.

Each task logs what came out in a sentence. Its receipt is in XCom and in the ledger, so the log does not repeat it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial.core.interval import iso
from perennial.core.receipts import (
    Evaluation,
    Measurement,
    ModelVersion,
    Predicted,
    Publication,
    Purpose,
    Receipt,
    Snapshot,
    Validation,
    Verdict,
)
from perennial.definition.models import Definition
from perennial.orchestration.approval import APPROVE
from perennial.orchestration.assignment import assign
from perennial.orchestration.runs import actor, current_run, held_stores, run_id
from perennial.orchestration.window import window
from perennial.steps.assign import Assignment, unsettled

Json = dict[str, Any]
Handed = Any
"""What one task hands to the next: an XComArg while the DAG is put together, the receipt's JSON inside the task."""

_WHOLE: Mapping[str, Any] = MappingProxyType({"multiple_outputs": False, "show_return_value_in_logs": False})
"""Of a function that returns a dict, Airflow would otherwise hand over each key, too."""

_log = logging.getLogger(__name__)


def claim(definition: Definition) -> Handed:
    """Find out what a retraining run is to do, and take the request that it answers. Skips the run where there is nothing to do."""

    @task(task_id="claim", **_WHOLE)
    def claim() -> Json:
        with held_stores(definition, Purpose.TRAIN) as stores:
            assignment, sentence = assign(definition, stores.ledger, current_run(), run_id=run_id(), actor=actor())
        if assignment is None:
            raise AirflowSkipException(sentence)
        _log.info("%s: %s, as of %s", sentence, assignment.interval, iso(assignment.as_of))
        return _json(assignment)

    return claim()


def extract(definition: Definition, claimed: Handed = None) -> Handed:
    """Copy the rows of the night, or of the training window in *claimed*."""
    purpose = Purpose.SCORE if claimed is None else Purpose.TRAIN

    @task(task_id="extract", **_WHOLE)
    def extract(claimed: Json | None) -> Json:
        from perennial.steps.extract import extract as step  # noqa: PLC0415 - heavy

        asked = Assignment.model_validate(claimed) if claimed else window(definition, current_run(), purpose)
        with held_stores(definition, purpose) as stores:
            snapshot = step(definition, asked.interval, stores, purpose=purpose, as_of=asked.as_of)
        _log.info("%d rows, %d labels", snapshot.rows, snapshot.label_rows)
        return _json(snapshot)

    return extract(claimed)


def validate(definition: Definition, extracted: Handed) -> Handed:
    """Check the rows; refused ones go to quarantine."""

    @task(task_id="validate", **_WHOLE)
    def validate(extracted: Json) -> Json:
        from perennial.steps.validate import validate as step  # noqa: PLC0415 - heavy

        snapshot = Snapshot.model_validate(extracted)
        with held_stores(definition, snapshot.purpose) as stores:
            validation = step(definition, snapshot.interval, stores, snapshot=snapshot)
        for finding in validation.findings:
            if not finding.success:
                _log.info("%s", finding.sentence)
        _log.info("%s: %d rows, %d in quarantine", validation.verdict, validation.rows, validation.quarantined)
        return _json(validation)

    return validate(extracted)


def predict(definition: Definition, extracted: Handed, validated: Handed) -> Handed:
    """Publish the night's predictions, whole."""

    @task(task_id="predict", **_WHOLE)
    def predict(extracted: Json, validated: Json) -> Json:
        from perennial.steps.predict import predict as step  # noqa: PLC0415 - heavy

        snapshot, validation = Snapshot.model_validate(extracted), Validation.model_validate(validated)
        with held_stores(definition, Purpose.SCORE) as stores:
            predicted = step(definition, snapshot.interval, stores, snapshot=snapshot, validation=validation)
        _log.info("%s", predicted.sentence)
        return _json(predicted)

    return predict(extracted, validated)


def monitor(definition: Definition, extracted: Handed, validated: Handed, predicted: Handed) -> Handed:
    """Measure drift, and the loss of the nights whose labels have arrived."""

    @task(task_id="monitor", **_WHOLE)
    def monitor(extracted: Json, validated: Json, predicted: Json) -> Json:
        from perennial.steps.monitor import monitor as step  # noqa: PLC0415 - heavy

        snapshot, validation = Snapshot.model_validate(extracted), Validation.model_validate(validated)
        done = Predicted.model_validate(predicted)
        with held_stores(definition, Purpose.SCORE) as stores:
            measured = step(definition, snapshot.interval, stores, snapshot=snapshot, validation=validation, predicted=done)
        for signal in measured.signals:
            _log.info("%s: %s: %s", signal.state, signal.name, signal.sentence)
        return _json(measured)

    return monitor(extracted, validated, predicted)


def decide(definition: Definition, validated: Handed, measured: Handed) -> Handed:
    """Say what to do about the night. A retrain request that is not settled goes to the doorbell, whoever filed it, and when."""

    @task(task_id="decide", **_WHOLE)
    def decide(validated: Json, measured: Json) -> Json:
        from perennial.steps.decide import decide as step  # noqa: PLC0415 - heavy

        validation, measurement = Validation.model_validate(validated), Measurement.model_validate(measured)
        with held_stores(definition, Purpose.SCORE) as stores:
            decision = step(definition, validation.interval, stores, measurement=measurement, validation=validation)
            request = unsettled(definition, stores.ledger)
        get_current_context()["ti"].xcom_push(key="request", value=_json(request) if request else None)
        _log.info("%s: %s", decision.action, decision.sentence)
        return _json(decision)

    return decide(validated, measured)


def train(definition: Definition, claimed: Handed, extracted: Handed, validated: Handed) -> Handed:
    """Fit the challenger."""

    @task(task_id="train", **_WHOLE)
    def train(claimed: Json, extracted: Json, validated: Json) -> Json:
        from perennial.steps.train import train as step  # noqa: PLC0415 - heavy

        job, snapshot = Assignment.model_validate(claimed), Snapshot.model_validate(extracted)
        validation = Validation.model_validate(validated)
        with held_stores(definition, Purpose.TRAIN) as stores:
            version = step(
                definition, job.interval, stores, snapshot=snapshot, validation=validation, reason=job.reason, request=job.request
            )
        _log.info("%s: trained on %d rows of %s", version.id, version.rows, version.trained_on)
        return _json(version)

    return train(claimed, extracted, validated)


def evaluate(definition: Definition, extracted: Handed, validated: Handed, trained: Handed) -> Handed:
    """Compare challenger, champion and baseline on the holdout."""

    @task(task_id="evaluate", **_WHOLE)
    def evaluate(extracted: Json, validated: Json, trained: Json) -> Json:
        from perennial.steps.evaluate import evaluate as step  # noqa: PLC0415 - heavy

        snapshot, validation = Snapshot.model_validate(extracted), Validation.model_validate(validated)
        version = ModelVersion.model_validate(trained)
        with held_stores(definition, Purpose.TRAIN) as stores:
            evaluation = step(definition, snapshot.interval, stores, snapshot=snapshot, validation=validation, version=version)
        _log.info("%s: %s", evaluation.verdict, evaluation.sentence)
        return _json(evaluation)

    return evaluate(extracted, validated, trained)


def publish(definition: Definition, evaluated: Handed, answered: Handed = None) -> Handed:
    """Make the challenger champion, if it passed and, where the definition wants it, a person approved."""

    @task(task_id="publish", **_WHOLE)
    def publish(evaluated: Json, answered: Json | None) -> Json:
        from perennial.steps.approve import approve  # noqa: PLC0415 - heavy
        from perennial.steps.publish import publish as step  # noqa: PLC0415 - heavy

        evaluation = Evaluation.model_validate(evaluated)
        with held_stores(definition, Purpose.TRAIN) as stores:
            approval = None
            if answered:
                verdict = Verdict.PASS if APPROVE in answered["chosen_options"] else Verdict.FAIL
                approval = approve(evaluation, stores, verdict=verdict, actor=_who(answered), comment="in Airflow")
            publication: Publication = step(
                definition, evaluation.interval, stores, evaluation=evaluation, approval=approval, actor=actor()
            )
        _log.info("%s", publication.sentence)
        return _json(publication)

    return publish(evaluated, answered)


def settle(definition: Definition) -> Handed:
    """Close the request with what became of it, also when a task after *claim* failed.

    Nobody settles for a run that dies: its request is taken over when it is old enough, see ``ports.ABANDONED_AFTER``.
    """

    @task(task_id="settle", **_WHOLE, trigger_rule="all_done")
    def settle() -> None:
        instance = get_current_context()["ti"]
        request = (instance.xcom_pull(task_ids="claim") or {}).get("request")
        if request is None:
            return
        published = instance.xcom_pull(task_ids="publish")
        outcome = published["sentence"] if published else f"the retraining did not end; see run {run_id()}"
        with held_stores(definition, Purpose.TRAIN) as stores:
            stores.ledger.settle_request(request, outcome, claimed_by=run_id())
        _log.info("request %s: %s", request, outcome)

    return settle()


def _json(receipt: Receipt) -> Json:
    return receipt.model_dump(mode="json")


def _who(answered: Json) -> str:
    person = answered.get("responded_by_user") or {}
    return str(person.get("name") or person.get("id") or "somebody")
