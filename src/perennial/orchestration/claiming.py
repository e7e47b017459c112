"""The tasks between which a retraining stands: what there is to do, and what became of it."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial.core.errors import PerennialError, TransientError
from perennial.core.interval import iso
from perennial.core.receipts import ALL, Publication, Purpose
from perennial.core.several import gathered, told_of
from perennial.definition.models import Definition
from perennial.orchestration.assets import MODEL, announce_all, outlet_of_all
from perennial.orchestration.assignment import assign
from perennial.orchestration.batches import MOST_BATCHES, Handed, Json, batches, found_in
from perennial.orchestration.lineage import reads_source
from perennial.orchestration.runs import actor, current_run, held, opened_stores, run_id
from perennial.orchestration.tasks import WHOLE
from perennial.orchestration.window import segments, window
from perennial.ports import Stores

_log = logging.getLogger(__name__)


def claim(definition: Definition) -> Handed:
    """Find out what a retraining run is to do, and take the request that it answers. Skips the run where there is nothing to do.

    Of a model with segments it hands on batches of segments with something to do; there may be none.
    """

    @task(task_id="claim", **WHOLE)
    def claim() -> Json:
        with opened_stores() as stores:
            job, sentence = _claimed(definition, ALL, stores)
        if job is None:
            raise AirflowSkipException(sentence)
        return job

    @task(task_id="claim", **WHOLE)
    def claim_each() -> list[Json]:
        with opened_stores() as stores:
            jobs = _claimed_of_each(definition, stores)
        return [dict(batch) for batch in batches(list(jobs.items()), most=_most(definition, len(jobs)))]

    return claim_each() if definition.segments else claim()


def settle(definition: Definition) -> Handed:
    """Close the request with what became of it, also when a task after *claim* failed.

    Nobody settles for a run that dies: its request is taken over when it is old enough, see ``ports.ABANDONED_AFTER``.
    """
    outlets = outlet_of_all(definition, MODEL) if definition.segments else {}

    @task(task_id="settle", **WHOLE, trigger_rule="all_done", **outlets)
    def settle() -> None:
        instance = get_current_context()["ti"]
        claimed = list(found_in(instance.xcom_pull(task_ids="claim"), "request"))
        published = {one["segment"]: one for one in found_in(instance.xcom_pull(task_ids="publish"), "promoted")}
        if not claimed:
            return
        with opened_stores() as stores:
            for job in claimed:
                made = published.get(job["segment"])
                outcome = made["sentence"] if made else f"the retraining did not end; see run {run_id()}"
                with held(definition, job["segment"], stores) as own:
                    own.ledger.settle_request(job["request"], outcome, claimed_by=run_id())
                _log.info("request %s: %s", job["request"], outcome)
        if definition.segments:
            reads_source(definition)
            announce_all(definition, map(Publication.model_validate, published.values()))

    return settle()


def _claimed(definition: Definition, segment: str, stores: Stores) -> tuple[Json | None, str]:
    with held(definition, segment, stores) as own:
        job, sentence = assign(definition, own.ledger, current_run(), run_id=run_id(), actor=actor(), segment=segment)
    if job is None:
        return None, sentence
    _log.info("%s%s: %s, as of %s", "" if segment == ALL else f"{segment}: ", sentence, job.interval, iso(job.as_of))
    return job.model_dump(mode="json"), sentence


def _claimed_of_each(definition: Definition, stores: Stores) -> dict[str, Json | None]:
    """Return what there is to do, by segment; null where it could not be found out, which the next task tells of.

    Raises:
        PerennialError: It could not for any segment; or a retry may help some.
    """
    run = current_run()
    window(definition, run, Purpose.TRAIN)  # what is wrong with the run itself is no segment's fault
    jobs: dict[str, Json | None] = {}
    errors: list[PerennialError] = []
    for segment in segments(definition, run):
        try:
            job, sentence = _claimed(definition, segment, stores)
        except PerennialError as error:
            jobs[segment] = None
            errors.append(told_of(segment, error))
            _log.error("%s", errors[-1])
        else:
            jobs |= {} if job is None else {segment: job}
            if job is None:
                _log.info("%s: %s", segment, sentence)
    if errors and (_may_help(errors) or not any(jobs.values())):
        raise gathered(errors)
    return jobs


def _may_help(errors: list[PerennialError]) -> bool:
    """Return whether Airflow will try again, and that may help."""
    instance: Any = get_current_context()["ti"]
    return instance.try_number <= instance.max_tries and any(isinstance(error, TransientError) for error in errors)


def _most(definition: Definition, jobs: int) -> int:
    """Return into how many batches jobs are cut: a person is asked about each segment by itself."""
    return max(jobs, 1) if definition.publish.approval == "human" else MOST_BATCHES
