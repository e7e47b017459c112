"""Whose predictions an interval gets."""

from __future__ import annotations

from datetime import timedelta

from perennial.core.interval import Interval
from perennial.core.receipts import ModelVersion, Promotion, PromotionKind
from perennial.ports import Stores

_INSTANT = timedelta(microseconds=1)


def champion_of(stores: Stores, model: str, segment: str, interval: Interval) -> Promotion | None:
    """Return the promotion in force at the end of *interval*, but not one that takes effect only there.

    A retraining that knows data up to a night's end is effective from that end: it predicts the next night, never that one. So
    a night that is run again, in whatever order, gets the champion that it got the first time.
    """
    return stores.ledger.champion(model, segment, at=interval.end - _INSTANT)


def version_of(stores: Stores, promotion: Promotion | None) -> ModelVersion | None:
    """Return the version that *promotion* made champion, or None where there is none."""
    if promotion is None or promotion.version is None:
        return None
    return stores.ledger.get(ModelVersion, promotion.version)


def first_promotion(stores: Stores, model: str, segment: str) -> Promotion | None:
    """Return the promotion that gave the model its first champion."""
    promotions = stores.ledger.history(Promotion, model, segment)
    return next((row for row in promotions if row.kind is PromotionKind.PROMOTE), None)
