"""Whose predictions an interval gets."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, ModelVersion, Promotion, PromotionKind
from perennial.ports import Stores

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


def first_promotion(stores: Stores, model: str, segment: str) -> Promotion | None:
    """Return the promotion that gave the model its first champion; after a retirement, the first one since."""
    promotions = stores.ledger.history(Promotion, model, segment)
    since = max((row.epoch for row in promotions if row.kind is PromotionKind.RETIRE), default=0)
    return next((row for row in promotions if row.kind is PromotionKind.PROMOTE and row.epoch > since), None)


def promoted_with(stores: Stores, version: ModelVersion) -> Evaluation | None:
    """Return the evaluation with which *version* became champion the first time, or None where it never did."""
    promotions = stores.ledger.history(Promotion, version.model, version.segment)
    of_version = (row.evaluation for row in promotions if row.version == version.id and row.kind is PromotionKind.PROMOTE)
    evaluation = next(of_version, None)
    return stores.ledger.get(Evaluation, evaluation) if evaluation else None
