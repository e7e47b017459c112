"""Rules about time: windows with something left to train on, cooldowns and ages that can be kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from perennial.core.codes import Code
from perennial.definition.cron import shortest_interval
from perennial.definition.document import Finding
from perennial.definition.fields import duration_text
from perennial.definition.models import Definition

_BUDGET_PERIOD = timedelta(days=30)


def end(definition: Definition) -> Iterator[Finding]:
    """A schedule ends after it starts."""
    schedule = definition.schedule
    if schedule.end and schedule.end <= schedule.start:
        message = f"must be later than schedule.start, {schedule.start}, got {schedule.end}"
        yield Finding(("schedule", "end"), Code.DEFINITION_RANGE, message)


def window(definition: Definition) -> Iterator[Finding]:
    """A sliding window has a length, an expanding one has none."""
    given = definition.schedule.window
    if given.kind == "sliding" and given.length is None:
        yield Finding(("schedule", "window", "length"), Code.DEFINITION_MISSING, "must be given for a sliding window")
    if given.kind == "expanding" and given.length is not None:
        message = f"must not be given for an expanding window, got {duration_text(given.length)}"
        yield Finding(("schedule", "window", "length"), Code.DEFINITION_RANGE, message)


def holdout(definition: Definition) -> Iterator[Finding]:
    """A sliding window is longer than what is kept from training: the holdout, and what has not matured."""
    length = definition.schedule.window.length
    kept = definition.evaluation.holdout + definition.label.delay
    if length is not None and length <= kept:
        message = (
            f"must be shorter, with label.delay, than schedule.window.length, {duration_text(length)}, "
            f"got {duration_text(definition.evaluation.holdout)} and {duration_text(definition.label.delay)}"
        )
        yield Finding(("evaluation", "holdout"), Code.DEFINITION_RANGE, message)


def cooldown(definition: Definition) -> Iterator[Finding]:
    """A cooldown lasts at least from one scoring to the next, else it forbids nothing."""
    interval = shortest_interval(definition.schedule.score)
    if definition.retraining.cooldown < interval:
        given = duration_text(definition.retraining.cooldown)
        message = f"must be at least the scoring interval, {duration_text(interval)}, got {given}"
        yield Finding(("retraining", "cooldown"), Code.DEFINITION_COOLDOWN, message)


def budget(definition: Definition) -> Iterator[Finding]:
    """The budget of requests is one that the cooldown lets be reached."""
    most = _BUDGET_PERIOD // definition.retraining.cooldown + 1
    given = definition.retraining.max_per_30d
    if given is not None and given > most:
        cooldown_text = duration_text(definition.retraining.cooldown)
        message = f"must be at most {most}, as many as a cooldown of {cooldown_text} allows, got {given}"
        yield Finding(("retraining", "max_per_30d"), Code.DEFINITION_RANGE, message)


def ages(definition: Definition) -> Iterator[Finding]:
    """A champion may be retrained before it must be."""
    oldest, youngest = definition.retraining.max_age, definition.retraining.min_age
    if oldest is not None and youngest is not None and oldest <= youngest:
        message = f"must be more than retraining.min_age, {duration_text(youngest)}, got {duration_text(oldest)}"
        yield Finding(("retraining", "max_age"), Code.DEFINITION_RANGE, message)


def latest(definition: Definition) -> Iterator[Finding]:
    """The last label comes no earlier than the first."""
    last, delay = definition.label.latest, definition.label.delay
    if last is not None and last < delay:
        message = f"must be at least label.delay, {duration_text(delay)}, got {duration_text(last)}"
        yield Finding(("label", "latest"), Code.DEFINITION_RANGE, message)


def retention(definition: Definition) -> Iterator[Finding]:
    """Predictions are kept until their labels have come."""
    kept, settled = definition.publish.retention, definition.label.settled
    if kept is not None and kept <= settled:
        message = f"must be more than what labels take to come, {duration_text(settled)}, got {duration_text(kept)}"
        yield Finding(("publish", "retention"), Code.DEFINITION_RANGE, message)
