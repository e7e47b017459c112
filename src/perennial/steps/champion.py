"""Whose predictions an interval gets."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, PromotionKind
from perennial.ports import Ledger, Stores

_INSTANT = timedelta(microseconds=1)


def champion_of(stores: Stores, model: str, segment: str, interval: Interval) -> Promotion | None:
    """Return the promotion in force at the end of *interval*, but not one that takes effect only there.

    A retraining that knows data up to a night's end is effective from that end: it predicts the next night, never that one. So
    a night that is run again, in whatever order, gets the champion that it got the first time.
    """
    return stores.ledger.champion(model, segment, at=interval.end - _INSTANT)


def effective_from(interval: Interval, as_of: datetime) -> datetime:
    """Return when a version that was trained on the window *interval*, as of a cut-off, may take over.

    That is when it knows nothing any more of the nights to come: at the window's end, or at the cut-off where that is later.
    """
    return max(interval.end, as_of)


def version_of(stores: Stores, promotion: Promotion | None) -> ModelVersion | None:
    """Return the version that *promotion* made champion, or None where there is none."""
    if promotion is None or promotion.version is None:
        return None
    return stores.ledger.get(ModelVersion, promotion.version)


def retirement(ledger: Ledger, model: str, segment: str, at: datetime) -> Promotion | None:
    """Return the retirement in force at a moment, or None where there is a champion then, or there never was one."""
    known = [row for row in ledger.history(Promotion, model, segment) if row.effective_from <= at]
    return known[-1] if known and known[-1].kind is PromotionKind.RETIRE else None


def retirement_of(stores: Stores, model: str, segment: str, interval: Interval) -> Promotion | None:
    """Return the retirement because of which *interval* has no champion; it is looked for as :func:`champion_of` does."""
    return retirement(stores.ledger, model, segment, interval.end - _INSTANT)


def first_promotion(stores: Stores, model: str, segment: str, interval: Interval) -> Promotion | None:
    """Return the promotion that gave the model its first champion, as far as it was in force at the end of *interval*.

    After a retirement, that is the first one since, be it a rollback. What took effect later does not count, as for the champion:
    a night from before a retirement that is run again has the shadow that it had.
    """
    promotions = stores.ledger.history(Promotion, model, segment)
    known = [row for row in promotions if row.effective_from < interval.end]
    since = max((row.epoch for row in known if row.kind is PromotionKind.RETIRE), default=0)
    return next((row for row in known if row.version is not None and row.epoch > since), None)


def promoted_with(stores: Stores, version: ModelVersion) -> Evaluation | None:
    """Return the evaluation with which *version* became champion the first time, or None where it never did."""
    promotions = stores.ledger.history(Promotion, version.model, version.segment)
    of_version = (row.evaluation for row in promotions if row.version == version.id and row.kind is PromotionKind.PROMOTE)
    evaluation = next(of_version, None)
    return stores.ledger.get(Evaluation, evaluation) if evaluation else None
