"""What of a night or of a retraining deserves a look, in a sentence each."""

from __future__ import annotations

from datetime import datetime

from perennial.core.receipts import ALL, Action, Decision, Evaluation, News, Occasion, Publication


def of_decision(decision: Decision) -> News | None:
    """Return what a night's decision deserves to be told for; None for a night as any other."""
    told = {Action.QUARANTINE: Occasion.DATA_FAULT, Action.RETRAIN: Occasion.DECISION}.get(decision.action)
    if decision.action is Action.HOLD and decision.rule == "breaker":
        told = Occasion.BREAKER
    return news(told, decision.segment, decision.interval.end, f"{decision.action}: {decision.sentence}") if told else None


def of_publication(publication: Publication, at: datetime, reason: str) -> News:
    """Return what came of a retraining up to *at*, which was made for a *reason*."""
    occasion = Occasion.DECISION if publication.promoted else Occasion.REFUSED
    return news(occasion, publication.segment, at, f"{publication.sentence}; retrained because: {reason}")


def of_waiting(evaluation: Evaluation, who: tuple[str, ...]) -> News:
    """Return that an evaluation waits for a person, one of *who* where there are any."""
    sentence = f"{evaluation.challenger} passed and waits for {' or '.join(who) or 'a person'}: {evaluation.sentence}"
    return news(Occasion.APPROVAL, evaluation.segment, evaluation.as_of, sentence)


def of_failure(task: str, at: datetime, why: str | None) -> News:
    """Return that a *task* failed for good."""
    return news(Occasion.FAILURE, ALL, at, f"{task} failed: {why}" if why else f"{task} failed; its log says why")


def of_lateness(segment: str, at: datetime, promised: str) -> News:
    """Return that a night's predictions are not there within what was *promised*."""
    return news(Occasion.LATE, segment, at, f"the predictions of the night are not there {promised} after its end")


def news(occasion: Occasion, segment: str, at: datetime, sentence: str) -> News:
    """Return the record of it."""
    return News(occasion=occasion, segment=segment, at=at, sentence=sentence)
