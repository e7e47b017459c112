"""What a person does from the pages: the functions behind the verbs of the command line, with the person's name and reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fastapi import HTTPException

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import ConflictError, DataError, RejectedError
from perennial.core.interval import iso
from perennial.core.receipts import ALL, Evaluation, ModelVersion, Pause, Promotion, Receipt, RetrainRequest, Verdict
from perennial.definition.calendar import newest_night
from perennial.definition.models import Definition
from perennial.definition.segment_of import segment_of
from perennial.ports import Stores
from perennial.steps.approve import approve
from perennial.steps.file_by_hand import file_by_hand
from perennial.web.asking import Deeds
from perennial.web.dags import retrain_dag, score_dag
from perennial.web.reading.night import definition_of


class Done(Receipt):
    """What was done, in a sentence."""

    sentence: str


def retrain(deed: Deeds) -> Done:
    """File a request and ring for the retraining DAG. Where the bell fails, the request waits for the next night's.

    Raises:
        ConflictError: RETRAIN_REFUSED.
        DataError: INTERVAL_EMPTY, RUN_NO_INTERVAL.
        RejectedError: SEGMENT_UNKNOWN, AIRFLOW_REFUSED.
    """
    asked, definition = deed.asked, definition_of(deed.asked)
    now = asked.site.now()
    filed = file_by_hand(
        definition,
        segment_of(definition, asked.segment),
        asked.site.stores().ledger,
        at=_cut_off(definition, now),
        said_at=now,
        reason=deed.reason,
        actor=asked.person.name,
        force=_said(deed.said, "force"),
    )
    dag, run = retrain_dag(asked.model), f"request__{filed.id}__{filed.at:%Y%m%d}"
    of_segment = {} if asked.segment == ALL else {"segment": asked.segment}
    conf = {"request": filed.id, "as_of": iso(filed.at), "reason": filed.reason, **of_segment}
    try:
        asked.site.scheduler.ring(dag, run, conf, person=asked.person)
    except RejectedError as error:
        error.fix = f"The request {filed.id} was filed and stays open; the next night rings again."
        raise
    return Done(sentence=f"The request {filed.id} was filed, and {dag} runs for it.")


def answer(deed: Deeds) -> Done:
    """Approve or reject the evaluation that waits; the run that waits for it goes on.

    Raises:
        ConflictError: PROMOTE_CONFLICT, the champion changed since; PROMOTE_REFUSED, it does not wait any more.
        HTTPException: 403, the definition names others; 404, 422.
        RejectedError: AIRFLOW_REFUSED, others are to answer, or have; nothing is recorded.
    """
    asked, stores = deed.asked, deed.asked.site.stores()
    approvers = definition_of(asked).publish.approvers
    if approvers and (asked.person.id or asked.person.name) not in approvers:
        raise HTTPException(403, "You may not answer this: the definition names who may.")
    verdict = {"pass": Verdict.PASS, "fail": Verdict.FAIL}.get(deed.said.get("verdict", ""))
    if verdict is None:
        raise HTTPException(422, "The verdict must be pass or fail.")
    evaluation = stores.ledger.get(Evaluation, deed.said.get("evaluation", ""))
    if (evaluation.model, evaluation.segment) != (asked.model, asked.segment):
        raise HTTPException(404, "There is no such evaluation of this model and segment.")
    _require_open(deed, evaluation, verdict)
    run, dag, approved = _run_of(stores, evaluation), retrain_dag(asked.model), verdict is Verdict.PASS
    # First: where Airflow refuses, because others are to answer, or have, nothing was said.
    # The run records the same approval, so that there is one, whoever is first.
    waits = run is not None and asked.site.scheduler.answer(
        dag, run, evaluation.challenger, approve=approved, person=asked.person, reason=deed.reason
    )
    approve(evaluation, stores, verdict=verdict, actor=asked.person.name, comment=deed.reason)
    if waits:
        return Done(
            sentence=f"{evaluation.challenger} was {'approved' if approved else 'rejected'}; the run {run} of {dag} goes on."
        )
    if not approved:
        return Done(sentence=f"{evaluation.challenger} was rejected.")
    from perennial.steps.promote import promote  # noqa: PLC0415 - heavy, and seldom asked for

    done = promote(definition_of(asked), stores, version=evaluation.challenger, reason=deed.reason, actor=asked.person.name)
    return Done(sentence=done.sentence)


def roll_back(deed: Deeds) -> Done:
    """Make an earlier champion champion again, once it has shown that it can predict.

    Raises:
        PerennialError: As :func:`perennial.steps.rollback.rollback` says.
    """
    from perennial.steps.rollback import rollback  # noqa: PLC0415 - heavy, and seldom asked for

    asked, definition = deed.asked, definition_of(deed.asked)
    row = rollback(
        definition,
        asked.segment,
        asked.site.stores(),
        effective_from=_cut_off(definition, asked.site.now()),
        reason=deed.reason,
        actor=asked.person.name,
        to=deed.said.get("to") or None,
    )
    return Done(sentence=f"{row.version} is champion at epoch {row.epoch} from {iso(row.effective_from)} on.")


def pause(deed: Deeds) -> Done:
    """Pause both DAGs of the model, or let them run again.

    Raises:
        HTTPException: 422.
        RejectedError: AIRFLOW_REFUSED.
    """
    asked, wanted = deed.asked, deed.said.get("paused")
    if wanted not in {"true", "false"}:
        raise HTTPException(422, "It must be said whether to pause or to resume.")
    paused, at, who = wanted == "true", asked.site.now(), asked.person.name
    content = [asked.model, ALL, iso(at), paused, who]
    said = Pause(id=digest_json(content)[:32], model=asked.model, at=at, paused=paused, reason=deed.reason, actor=who)
    for dag in (score_dag(asked.model), retrain_dag(asked.model)):  # first: the ledger says what is so
        asked.site.scheduler.pause(dag, paused=paused, person=asked.person)
    asked.site.stores().ledger.record(said)
    return Done(sentence=f"Both DAGs of {asked.model} are {'paused' if paused else 'running again'}.")


def _cut_off(definition: Definition, now: datetime) -> datetime:
    """Return the end of the last complete night.

    Raises:
        DataError: RUN_NO_INTERVAL.
    """
    night = newest_night(definition.schedule, now)
    if night is None:
        raise DataError(Code.RUN_NO_INTERVAL, "no night of the schedule has ended yet", where=definition.name)
    return night.end


def _require_open(deed: Deeds, evaluation: Evaluation, verdict: Verdict) -> None:
    """Refuse an answer that comes too late.

    Raises:
        ConflictError: PROMOTE_REFUSED, PROMOTE_CONFLICT.
    """
    asked = deed.asked
    if asked.site.health().standing(asked.model, asked.segment).waits != evaluation.id:
        message = "the evaluation does not wait any more: it was answered or promoted, or a later one has come"
        raise ConflictError(Code.PROMOTE_REFUSED, message, where=evaluation.challenger)
    promotions = asked.site.stores().ledger.history(Promotion, asked.model, asked.segment)
    champion = promotions[-1].version if promotions else None
    if verdict is Verdict.PASS and champion is not None and champion != evaluation.champion:
        found = f"the champion is {champion} by now, the evaluation compared with {evaluation.champion}"
        raise ConflictError(Code.PROMOTE_CONFLICT, found, where=evaluation.challenger)


def _run_of(stores: Stores, evaluation: Evaluation) -> str | None:
    """Return the run that made the challenger, which is whoever claimed its request."""
    request = stores.ledger.get(ModelVersion, evaluation.challenger).request
    return stores.ledger.get(RetrainRequest, request).claimed_by if request else None


def _said(said: Mapping[str, str], name: str) -> bool:
    return said.get(name, "").lower() == "true"
