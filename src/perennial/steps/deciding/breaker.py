"""The breaker, told where it trips: with the refusal of a retraining, not on the night that would have asked for the next one."""

from __future__ import annotations

from datetime import timedelta

from perennial.core.receipts import News, Occasion
from perennial.definition.models import Definition
from perennial.monitoring.decision.policy import tripped
from perennial.ports import Stores
from perennial.steps.deciding.facts import refused_in_a_row
from perennial.steps.news import news


def of_breaker(definition: Definition, stores: Stores, refusal: News) -> list[News]:
    """Return, beside the *refusal* of a challenger, that no night will ask for another one; nothing where nights may still ask."""
    segment, at = refusal.segment, refusal.at
    promotion = stores.ledger.champion(definition.name, segment, at=at)
    refused = len(refused_in_a_row(stores, definition.name, segment, promotion, before=at + timedelta.resolution))
    breaker = definition.retraining.breaker
    return [news(Occasion.BREAKER, segment, at, tripped(refused, breaker))] if refused >= breaker else []
