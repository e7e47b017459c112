"""What an audit says of the rows of the ledger. No database here: the ledger and its fake gather facts for the same questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from perennial.core.interval import Interval, iso
from perennial.core.receipts import BatchState, Fault, PromotionKind, RequestState, Verdict

CHAMPION, ONE_ROW, WHOLE, COMPARED, ONE_RETRAINING, GATED, LINEAGE, GOOD_DATA = 1, 3, 4, 5, 7, 8, 9, 18
"""The promises that rows can break, by their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFacts:
    """A promotion, and what is known of the rows that it names. What is not there is None.

    Attributes:
        model: The model.
        segment: The segment.
        epoch: Its number.
        kind: How it came about.
        version: Who became champion.
        effective_from: From when on; None where that is no moment.
        evaluation: The evaluation that it names.
        challenger: Whom that evaluation judged.
        champion: Beside whom.
        verdict: What came out.
        approval: The approval that it names.
        approved: The evaluation that was approved.
        approval_verdict: What the person said.
        trained_for: The model and the segment that the version was trained for.
        known: Up to when the version's training knew what happened.
    """

    model: str
    segment: str
    epoch: int
    kind: str
    version: str | None
    effective_from: datetime | None
    evaluation: str | None
    challenger: str | None
    champion: str | None
    verdict: str | None
    approval: str | None
    approved: str | None
    approval_verdict: str | None
    trained_for: tuple[str, str] | None
    known: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFacts:
    """A prediction batch, its rows, and what is known of the rows that it names. What is not there is None.

    Attributes:
        batch: Its id.
        model: The model.
        segment: The segment.
        interval: What it covers.
        role: Whose predictions it holds.
        state: Where it stands.
        version: Who predicted.
        published: The rows that were written.
        expired: How many of them retention removed.
        found: How many there are.
        first: The earliest event of those that there are.
        last: The latest one.
        kind: What its epoch is: a promotion, a rollback, or a retirement.
        champion: Whom that made champion.
        effective_from: From when on.
        extracted: The model, the segment and the interval of its snapshot.
        snapshot: Its snapshot.
        validated: The snapshot that its validation is of.
        verdict: What that validation said.
        standing: What the last validation of its night says.
    """

    batch: str
    model: str
    segment: str
    interval: Interval
    role: str
    state: str
    version: str
    published: int
    expired: int
    found: int
    first: datetime | None
    last: datetime | None
    kind: str | None
    champion: str | None
    effective_from: datetime | None
    extracted: tuple[str, str, Interval] | None
    snapshot: str
    validated: str | None
    verdict: str | None
    standing: str | None


def promotion_faults(promotions: Iterable[PromotionFacts]) -> Iterator[Fault]:
    """Yield what is wrong with promotions, which come by model, segment and epoch."""
    before: PromotionFacts | None = None
    reigned: set[str | None] = set()
    last: str | None = None
    for facts in promotions:
        if before is None or (before.model, before.segment) != (facts.model, facts.segment):
            before, reigned, last = None, set(), None
        where = f"{facts.model}/{facts.segment}: epoch {facts.epoch}"
        checks = (
            *_epoch(facts, before),
            *_judged(facts, before, last),
            *_approved(facts),
            *_trained(facts),
            *_back(facts, reigned),
        )
        yield from (Fault(promise=promise, where=where, found=found) for promise, found in checks)
        before, last = facts, facts.version or last
        reigned.add(facts.version)


def batch_faults(batches: Iterable[BatchFacts]) -> Iterator[Fault]:
    """Yield what is wrong with batches, which come by model, segment, role and the start of their interval."""
    before: BatchFacts | None = None
    for facts in batches:
        where = f"{facts.model}/{facts.segment}/{facts.interval}/{facts.role}: batch {facts.batch}"
        checks = (*_whole(facts), *_derived(facts), *_alone(facts, before))
        yield from (Fault(promise=promise, where=where, found=found) for promise, found in checks)
        before = _furthest(facts, before)


def request_faults(requests: Iterable[tuple[str, str, str, str, str | None]]) -> Iterator[Fault]:
    """Yield what is wrong with the requests that are not done: model, segment, id, state, and who claimed it; in this order."""
    before: tuple[str, str] | None = None
    for model, segment, request, state, claimed_by in requests:
        where = f"{model}/{segment}: request {request}"
        if state == RequestState.CLAIMED and claimed_by is None:
            yield Fault(promise=ONE_RETRAINING, where=where, found="is claimed, but by nobody")
        if before == (model, segment):
            yield Fault(promise=ONE_RETRAINING, where=where, found=f"is {state} beside another one")
        before = model, segment


def dangling(table: str, key: str, column: str, value: str) -> Fault:
    """Return the fault of a row that names what is not there."""
    promise = CHAMPION if table in {"promotion", "model_version", "training_run", "evaluation", "approval"} else LINEAGE
    return Fault(promise=promise, where=f"{table} {key}", found=f"its {column}, {value}, is not there")


def orphan_rows(number: int, rows: int) -> Fault:
    """Return the fault of *rows* predictions of the batch *number*, which is not there."""
    return Fault(promise=LINEAGE, where=f"prediction_batch {number}", found=f"is not there, but has {rows} predictions")


def hidden(view: str, shown: int, rows: int) -> Fault:
    """Return the fault of a *view* that shows another number of predictions than there are."""
    return Fault(promise=LINEAGE, where=view, found=f"shows {shown} predictions, must show {rows}")


def _epoch(facts: PromotionFacts, before: PromotionFacts | None) -> Iterator[tuple[int, str]]:
    expected = before.epoch + 1 if before else 1
    if facts.epoch != expected:
        yield CHAMPION, f"must be epoch {expected}: one is missing"
    if facts.effective_from is None:
        yield CHAMPION, "takes effect at no moment"


def _judged(facts: PromotionFacts, before: PromotionFacts | None, last: str | None) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with a promotion's evaluation. One that brings a retired model back may be beside its *last* champion."""
    if facts.kind != PromotionKind.PROMOTE:
        return
    if facts.evaluation is None:
        yield GATED, "was promoted without an evaluation"
    if facts.challenger is None:
        return
    if facts.verdict != Verdict.PASS:
        yield GATED, f"was promoted although its evaluation said {facts.verdict}"
    if facts.challenger != facts.version:
        yield GATED, f"was promoted by the evaluation of {facts.challenger}"
    replaced = before.version if before else None
    if facts.champion not in ({None, last} if replaced is None else {replaced}):
        yield COMPARED, f"was compared with {facts.champion or 'no champion'}, but replaced {replaced or 'none'}"


def _approved(facts: PromotionFacts) -> Iterator[tuple[int, str]]:
    if facts.approved is None:
        return
    if facts.approval_verdict != Verdict.PASS:
        yield GATED, f"was promoted although a person said {facts.approval_verdict}"
    if facts.approved != facts.evaluation:
        yield GATED, f"was promoted by the approval of another evaluation, {facts.approved}"


def _trained(facts: PromotionFacts) -> Iterator[tuple[int, str]]:
    if facts.trained_for is not None and facts.trained_for != (facts.model, facts.segment):
        yield CHAMPION, f"its version was trained for {'/'.join(facts.trained_for)}"
    if facts.known is not None and facts.effective_from is not None and facts.effective_from < facts.known:
        yield CHAMPION, f"takes effect at {iso(facts.effective_from)}, but its version knows what happened until {iso(facts.known)}"


def _back(facts: PromotionFacts, reigned: set[str | None]) -> Iterator[tuple[int, str]]:
    if facts.kind == PromotionKind.ROLLBACK and facts.version not in reigned:
        yield GATED, "goes back to a version that was never champion"


def _whole(facts: BatchFacts) -> Iterator[tuple[int, str]]:
    owed = facts.published - facts.expired
    begun = facts.state == BatchState.STAGED and facts.published == 0  # by somebody who copies, or was stopped
    if facts.found != owed and not begun:
        yield WHOLE, f"is {facts.state} and has {facts.found} predictions, must have {owed}"
    if facts.state == BatchState.CURRENT and facts.published < 1:
        yield WHOLE, "is current, but nothing was published"
    if facts.first is not None and facts.last is not None and not (facts.first in facts.interval and facts.last in facts.interval):
        yield ONE_ROW, "has predictions outside its interval"


def _derived(facts: BatchFacts) -> Iterator[tuple[int, str]]:
    if facts.kind == PromotionKind.RETIRE:
        yield LINEAGE, f"was predicted by {facts.version}, but its epoch is that of a retirement"
    if facts.champion is not None and facts.champion != facts.version:
        yield LINEAGE, f"was predicted by {facts.version}, but its epoch is that of {facts.champion}"
    if facts.effective_from is not None and facts.effective_from >= facts.interval.end:
        yield LINEAGE, "was predicted by a champion that took effect only after it"
    if facts.extracted is not None and facts.extracted != (facts.model, facts.segment, facts.interval):
        yield LINEAGE, "its snapshot is of another interval, model or segment"
    if facts.validated is not None and facts.validated != facts.snapshot:
        yield LINEAGE, "its validation is of another snapshot"
    if facts.verdict is not None and facts.verdict != Verdict.PASS:
        yield GOOD_DATA, f"was predicted although its validation said {facts.verdict}"
    elif facts.state == BatchState.CURRENT and facts.standing == Verdict.FAIL:
        yield GOOD_DATA, "is current although its night was found to be a data fault"


def _alone(facts: BatchFacts, before: BatchFacts | None) -> Iterator[tuple[int, str]]:
    both = before is not None and facts.state == BatchState.CURRENT and _lane(before) == _lane(facts)
    if before is not None and both and facts.interval.overlaps(before.interval):
        yield ONE_ROW, f"is current, and so is batch {before.batch}, which covers a part of its interval"


def _furthest(facts: BatchFacts, before: BatchFacts | None) -> BatchFacts | None:
    """Return the current batch that reaches furthest so far in the lane of *facts*, for the next one to be compared with."""
    if facts.state != BatchState.CURRENT:
        return before
    if before is None or _lane(before) != _lane(facts) or before.interval.end < facts.interval.end:
        return facts
    return before


def _lane(facts: BatchFacts) -> tuple[str, str, str]:
    return facts.model, facts.segment, facts.role
