"""All models and segments that a person may read: how they stand, searched, sorted and parted into pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from perennial.core.health import Sketch, Standing
from perennial.core.receipts import Action, Moment, Receipt, Role
from perennial.web.dags import score_dag

PAGE = 50
NIGHTS = 60
"""How many nights a sketch of the loss shows."""


class Order(StrEnum):
    """What the fleet may be sorted by."""

    MODEL = "model"
    CHAMPION = "champion"
    NIGHT = "night"
    DECISION = "decision"
    LOSS = "loss"
    DRIFT = "drift"
    NEXT = "next"
    WAITING = "waiting"


class Show(StrEnum):
    """Which part of the fleet is looked at."""

    ALL = "all"
    ATTENTION = "attention"
    WAITING = "waiting"
    REQUESTED = "requested"
    QUARANTINE = "quarantine"
    RETIRED = "retired"


class FleetQuery(BaseModel):
    """What a person asks of the fleet, as it stands in an address: `q`, `show`, `order`, `down`, `page`."""

    model_config = ConfigDict(frozen=True)

    sought: str = Field("", alias="q", max_length=200, description="Words that must stand in a model's name, champion or decision.")
    show: Show = Show.ALL
    order: Order = Order.MODEL
    down: bool = False
    page: int = Field(1, ge=1, le=1000)


class Row(Receipt):
    """One model and segment. *loss* and *baseline* are of the newest night that has both; *ratio* is the one over the other."""

    standing: Standing
    loss: float | None = None
    baseline: float | None = None
    ratio: float | None = None
    paused: bool | None = None
    next_run: Moment | None = None


class Fleet(Receipt):
    """A page of the fleet, and how many there are of each kind in all of it."""

    rows: tuple[Row, ...]
    found: int
    page: int
    pages: int
    counts: dict[str, int]


_URGENCY = {Action.QUARANTINE: 0, Action.RETRAIN: 1, Action.WATCH: 2, Action.HOLD: 3, Action.KEEP: 4}
_SHOWN: Mapping[Show, Callable[[Standing], bool]] = {
    Show.ALL: lambda _: True,
    Show.ATTENTION: lambda one: one.waits is not None or one.action in {Action.QUARANTINE, Action.RETRAIN, Action.WATCH},
    Show.WAITING: lambda one: one.waits is not None,
    Show.REQUESTED: lambda one: one.request is not None,
    Show.QUARANTINE: lambda one: one.action is Action.QUARANTINE,
    Show.RETIRED: lambda one: one.epoch is not None and one.version is None,
}
_LATE = datetime.max.replace(tzinfo=UTC)
_EARLY = datetime.min.replace(tzinfo=UTC)


class Beside(Receipt):
    """The champion's loss beside the baseline's in the newest night that has both; without such a night the champion's alone."""

    loss: float | None = None
    baseline: float | None = None
    ratio: float | None = None


def beside(sketch: Sketch) -> Beside:
    """Return how the newest night of a sketch compares."""
    own, trivial = (dict(zip(sketch.nights.get(role, ()), sketch.losses.get(role, ()), strict=True)) for role in _BOTH)
    both = own.keys() & trivial.keys()
    if not both:
        return Beside(loss=own[max(own)] if own else None)
    loss, baseline = own[max(both)], trivial[max(both)]
    return Beside(loss=loss, baseline=baseline, ratio=loss / baseline if baseline else None)


def counts(standings: Sequence[Standing]) -> dict[str, int]:
    """Return how many of *standings* each part of the fleet has."""
    return {show.value: sum(map(wanted, standings)) for show, wanted in _SHOWN.items()}


def chosen(standings: Iterable[Standing], sought: str, show: Show) -> list[Standing]:
    """Return those of *standings* that *show* names and in which every word of *sought* stands."""
    words = sought.casefold().split()
    return [one for one in standings if _SHOWN[show](one) and (not words or all(word in _text(one) for word in words))]


def ordered(
    standings: Iterable[Standing],
    order: Order,
    *,
    down: bool,
    ratios: Mapping[tuple[str, str], float | None] = MappingProxyType({}),
    runs: Mapping[str, datetime | None] = MappingProxyType({}),
) -> list[Standing]:
    """Return *standings* in order; equal ones by name.

    Args:
        standings: What to sort.
        order: By what.
        down: Whether the greatest comes first.
        ratios: The loss as a share of the baseline's, for that order.
        runs: When each DAG runs next, for that order.
    """
    named = sorted(standings, key=lambda one: (one.model, one.segment))
    match order:
        case Order.LOSS:
            return sorted(named, key=lambda one: _number(ratios.get((one.model, one.segment))), reverse=down)
        case Order.NEXT:
            return sorted(named, key=lambda one: runs.get(score_dag(one.model)) or _LATE, reverse=down)
        case _:
            return sorted(named, key=_KEYS[order], reverse=down)


def _text(one: Standing) -> str:
    return " ".join(filter(None, (one.model, one.segment, one.version, one.action, one.rule))).casefold()


def _number(value: float | None) -> tuple[bool, float]:
    return value is not None, value or 0.0


_BOTH = (Role.CHAMPION, Role.BASELINE)
_KEYS: Mapping[Order, Callable[[Standing], Any]] = {
    Order.MODEL: lambda one: (one.model, one.segment),
    Order.CHAMPION: lambda one: one.since or _EARLY,
    Order.NIGHT: lambda one: one.night.end if one.night else _EARLY,
    Order.DECISION: lambda one: _URGENCY.get(one.action, 9) if one.action else 9,
    Order.DRIFT: lambda one: _number(one.drift),
    Order.WAITING: lambda one: (one.waits is None, one.request is None),
}
