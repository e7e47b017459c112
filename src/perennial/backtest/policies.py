"""Policies: what a definition says about when to retrain, on what, and with or without the gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from pydantic import Field

from perennial.core.digest import digest_json
from perennial.definition.fields import Cron, Part, Text
from perennial.definition.models import Definition, Retraining, Window

DAY = timedelta(days=1)
_OFTEN = timedelta(minutes=1)
"""The cooldown of a policy that only follows its schedule."""

BEATS = {"nightly": DAY, "weekly": 7 * DAY, "monthly": 30 * DAY}
"""How often a periodic policy retrains."""


class Simplicity(IntEnum):
    """What a person has to keep an eye on; of two policies that are as good, the simpler one is recommended."""

    NEVER = 0
    PERIODIC = 1
    AGE = 2
    TRIGGERED = 3
    FULL = 4


class Policy(Part):
    """One policy that is tried."""

    name: Text
    """What it is called in tables."""
    schedule: Cron | None = None
    """Cron of the scheduled retraining."""
    window: Window | None = None
    """The training window, if it is another one than the definition's."""
    retraining: Retraining
    """When a decision asks for a retraining."""
    at: tuple[datetime, ...] = ()
    """Moments of further retrainings, for controls."""
    gated: bool = True
    """Whether a challenger must pass the gates. Without, each one becomes champion."""
    simplicity: Simplicity = Field(default=Simplicity.FULL, strict=False)
    """How simple it is."""

    def applied(self, definition: Definition) -> Definition:
        """Return *definition* under this policy; nothing waits for a person, and no shadow predicts beside."""
        schedule = definition.schedule.model_copy(
            update={"retrain": self.schedule, "window": self.window or definition.schedule.window}
        )
        publish = definition.publish.model_copy(update={"approval": "automatic", "shadow": "none"})
        return definition.model_copy(update={"schedule": schedule, "retraining": self.retraining, "publish": publish})

    @property
    def digest(self) -> str:
        """The SHA-256 of what the policy does, whatever it is called."""
        return digest_json(self.model_dump(mode="json", exclude={"name", "simplicity"}))


def simplicity(schedule: str | None, rules: Retraining) -> Simplicity:
    """Return how simple a policy is that retrains on a *schedule* and by *rules*."""
    if rules.causes:
        return Simplicity.TRIGGERED if schedule is None and len(rules.causes) == 1 else Simplicity.FULL
    if rules.max_age is not None:
        return Simplicity.AGE if schedule is None else Simplicity.FULL
    return Simplicity.NEVER if schedule is None else Simplicity.PERIODIC


def never() -> Policy:
    """Return the policy that keeps the first model."""
    return Policy(name="never", retraining=still(), simplicity=Simplicity.NEVER, gated=False)


def periodic(definition: Definition, beat: str, window: Window | None = None, *, gated: bool) -> Policy:
    """Return the policy that retrains *beat* by *beat* (nightly, weekly or monthly), whatever happens."""
    named = f"{beat}{'' if window is None else f', {window_words(window)}'}{'' if gated else ', no gate'}"
    return Policy(
        name=named, schedule=_cron(definition, beat), window=window, retraining=still(), gated=gated, simplicity=Simplicity.PERIODIC
    )


def triggered(definition: Definition, cause: str, *, gated: bool = True) -> Policy:
    """Return the policy that retrains where an alarm of one kind says so."""
    rules = definition.retraining.model_copy(update={"causes": (cause,), "max_age": None})
    return Policy(name=_named(cause, gated), retraining=rules, gated=gated, simplicity=Simplicity.TRIGGERED)


def aged(definition: Definition, *, gated: bool = True) -> Policy:
    """Return the policy that retrains a champion that has become old; 30 days where the definition does not say how old."""
    limit = definition.retraining.max_age or 30 * DAY
    rules = definition.retraining.model_copy(update={"causes": (), "max_age": limit})
    return Policy(name=_named("max age", gated), retraining=rules, gated=gated, simplicity=Simplicity.AGE)


def full(definition: Definition, *, gated: bool = True) -> Policy:
    """Return the definition's own policy: its schedule, its causes, its limits."""
    return Policy(
        name=_named("full policy", gated), schedule=definition.schedule.retrain, retraining=definition.retraining, gated=gated
    )


def standard(definition: Definition) -> Iterator[Policy]:
    """Yield what is tried where nobody says otherwise."""
    yield never()
    for beat in ("monthly", "weekly", "nightly"):
        for gated in (True, False):
            yield periodic(definition, beat, gated=gated)
    yield periodic(definition, "weekly", other_window(definition), gated=True)
    yield aged(definition)
    yield triggered(definition, "drift")
    yield triggered(definition, "decay")
    yield full(definition)
    yield full(definition, gated=False)


def other_window(definition: Definition) -> Window:
    """Return the other kind of window: expanding where it slides; where it expands, sliding over 90 days."""
    return Window(kind="expanding") if definition.schedule.window.kind == "sliding" else Window(kind="sliding", length=90 * DAY)


def window_words(window: Window) -> str:
    """Return what a window is called."""
    return "expanding" if window.length is None else f"sliding {window.length / DAY:g} d"


def learning_part(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a fit, and what is measured of a night, depend on of a *definition* in JSON types: all but the policy."""
    apart = {"title", "purpose", "owner", "kpi", "retraining", "publish"}
    part = {name: value for name, value in definition.items() if name not in apart}
    part["schedule"] = {name: part["schedule"][name] for name in ("score", "timezone", "start")}
    part["evaluation"] = {name: value for name, value in part["evaluation"].items() if name != "gates"}
    return part


def still() -> Retraining:
    """Return rules under which no decision ever asks for a retraining."""
    return Retraining(causes=(), cooldown=_OFTEN, breaker=100)


def _named(name: str, gated: bool) -> str:
    return name if gated else f"{name}, no gate"


def _cron(definition: Definition, beat: str) -> str:
    """Return the cron of a *beat* at the hour at which nights end, where they end at one hour; else at midnight."""
    minute, hour, *_ = definition.schedule.score.split()
    at = f"{minute} {hour}" if minute.isdigit() and hour.isdigit() else "0 0"
    return {"nightly": f"{at} * * *", "weekly": f"{at} * * 1", "monthly": f"{at} 1 * *"}[beat]
