"""What happens, in its order: the first model, a quiet night, a bad night, the shock, the answer, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from perennial.backtest.replay import Event, replay
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Action, Decision, Evaluation, Promotion, Validation
from perennial.definition.calendar import midnight, nights
from perennial.definition.models import Definition
from perennial.orchestration.client import Client
from perennial.ports import Stores
from perennial.simulation.bad_nights import PLAN, BadNight
from perennial.simulation.shock import SHOCK_DAY

FIRST_MODEL_DAY = 105
"""The day on which the company starts using models."""

LAST_DAY = 498
"""The last night ends here; labels of later days have not come."""

SHOCK = int(SHOCK_DAY)
BAD_DAY = PLAN[BadNight.KELVIN_ZERO]
"""On this day the thermometer delivers nothing but absolute zero."""

Progress = Callable[[str, float], None]
"""Told what is going on, and how much of it is done, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One part of the story: its title, what was seen, and how it ran."""

    title: str
    seen: str
    by: str


class StoryError(AssertionError):
    """The story went another way than it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The story of one model.

    Attributes:
        definition: The model.
        stores: Where everything lies.
        airflow: A client of the Airflow that runs the telling nights.
        progress: Told what is going on.
    """

    definition: Definition
    stores: Stores
    airflow: Client
    progress: Progress

    def chapters(self) -> Iterator[Chapter]:
        """Live through it, and yield each part when it is over."""
        for flow in ("retrain", "score"):
            self.airflow.unpause(f"{flow}_{self.definition.name}")
        yield self._first_model()
        yield self._quiet_night()
        yield self._replayed("the company grows", FIRST_MODEL_DAY + 1, BAD_DAY)
        yield self._bad_night()
        yield self._replayed("habits change", BAD_DAY + 1, SHOCK)
        decided = [event for event in self._replay(SHOCK, LAST_DAY, stop_before=Action.RETRAIN) if event.decision is not None]
        yield self._shock(decided)
        after = self._night_after(decided[-1].interval.end)
        yield self._answer(after)
        yield self._next_night(after.end)
        yield self._replayed("life goes on", self._day(after.end) + 1, LAST_DAY)

    def _first_model(self) -> Chapter:
        cut_off = self._at(FIRST_MODEL_DAY)
        run = f"first_model_{cut_off:%Y%m%d}"
        conf = {"as_of": cut_off.isoformat(), "reason": "the first model"}
        self._run("retrain", run_id=run, conf=conf)
        promotion = self._champion()
        return Chapter(title="the first model", seen=f"{promotion.version}: {promotion.reason}", by=f"retrain DAG, run {run}")

    def _quiet_night(self) -> Chapter:
        decision = self._score(self._night(FIRST_MODEL_DAY + 1))
        _must(decision.action in (Action.KEEP, Action.WATCH), f"a quiet night was decided {decision.action}: {decision.sentence}")
        return self._told("a quiet night", decision)

    def _bad_night(self) -> Chapter:
        night = self._night(BAD_DAY + 1)
        before = self._champion()
        decision = self._score(night)
        _must(decision.action is Action.QUARANTINE, f"the bad night was decided {decision.action}: {decision.sentence}")
        _must(self._champion() == before, "the bad night changed the champion")
        refused = self.stores.ledger.history(Validation, self.definition.name, ALL, within=night)[-1].quarantined
        chapter = self._told("the bad night", decision)
        return Chapter(title=chapter.title, seen=f"{refused} rows in quarantine. {chapter.seen}", by=chapter.by)

    def _shock(self, decided: list[Event]) -> Chapter:
        nights = ", ".join(f"{event.at:%d %b} {event.decision.action}" for event in decided if event.decision is not None)
        closed = f"demand jumps by 60 % on {self._at(SHOCK):%d %b %Y}"
        return Chapter(title="a rail line closes", seen=f"{closed}. Decisions: {nights}", by="replay")

    def _answer(self, night: Interval) -> Chapter:
        decision = self._score(night)
        _must(
            decision.action is Action.RETRAIN and decision.request is not None, f"the shock was not answered: {decision.sentence}"
        )
        run = f"request__{decision.request}__{night.end:%Y%m%d}"
        state = self.airflow.wait(f"retrain_{self.definition.name}", run)
        _must(state == "success", f"the retraining that the decision asked for ended {state}")
        promotion = self._champion()
        _must(
            promotion.effective_from == night.end, f"the retraining did not change the champion: {self._last_evaluation().sentence}"
        )
        seen = f"{decision.sentence}. The doorbell rang, the retraining DAG ran by itself: {promotion.version}, {promotion.reason}"
        return Chapter(title="the shock is seen, and answered", seen=seen, by=f"score DAG, then retrain DAG, run {run}")

    def _next_night(self, start: datetime) -> Chapter:
        night = self._night_after(start)
        decision = self._score(night)
        return self._told("the night after", decision, f" Predicted by {self._champion().version}.")

    def _replayed(self, title: str, first: int, last: int) -> Chapter:
        events = self._replay(first, last)
        kept = sum(event.decision is not None for event in events)
        published = [event.publication for event in events if event.publication is not None]
        promoted = sum(publication.promoted for publication in published)
        failed = sum(event.error is not None for event in events)
        seen = f"{kept} nights, {len(published)} retrainings, {promoted} promotions"
        return Chapter(title=title, seen=seen + (f", {failed} could not be done" if failed else ""), by="replay")

    def _replay(self, first: int, last: int, stop_before: Action | None = None) -> list[Event]:
        within = Interval(self._at(first), self._at(last))
        events = []
        for event in replay(self.definition, within, self.stores, stop_before=stop_before):
            events.append(event)
            self.progress(f"night of {event.at:%d %b %Y}", (event.at - within.start) / within.length)
        return events

    def _score(self, night: Interval) -> Decision:
        run = f"night_{night.end:%Y%m%d}"
        self._run("score", run_id=run, interval=night)
        return self.stores.ledger.history(Decision, self.definition.name, ALL, within=night)[-1]

    def _run(self, flow: str, *, run_id: str, **how: Any) -> None:  # noqa: ANN401 - what Client.trigger takes
        dag = f"{flow}_{self.definition.name}"
        self.progress(f"Airflow runs {dag}, {run_id}", 0.0)
        self.airflow.trigger(dag, run_id=run_id, **how)
        state = self.airflow.wait(dag, run_id)
        _must(state == "success", f"{dag}, run {run_id}, ended {state}: {self.airflow.task_states(dag, run_id)}")

    def _told(self, title: str, decision: Decision, more: str = "") -> Chapter:
        run = f"night_{decision.interval.end:%Y%m%d}"
        return Chapter(title=title, seen=f"{decision.action}: {decision.sentence}.{more}", by=f"score DAG, run {run}")

    def _champion(self) -> Promotion:
        champion = self.stores.ledger.champion(self.definition.name)
        if champion is None:
            raise StoryError(f"there is no champion: {self._last_evaluation().sentence}")
        return champion

    def _last_evaluation(self) -> Evaluation:
        return self.stores.ledger.history(Evaluation, self.definition.name, newest=1)[-1]

    def _night(self, day: int) -> Interval:
        """Return the night that ends in the course of *day*."""
        return self._night_after(self._at(day) - timedelta(days=1))

    def _night_after(self, start: datetime) -> Interval:
        """Return the first whole night from *start*."""
        return next(nights(self.definition.schedule, Interval(start, start + timedelta(days=3))))

    def _at(self, day: int) -> datetime:
        """Return the start of the night's day *day*, aligned with the schedule."""
        start = midnight(self.definition.schedule.start, self.definition.schedule.timezone) + timedelta(days=day)
        return next(nights(self.definition.schedule, Interval(start, start + timedelta(days=3)))).start

    def _day(self, at: datetime) -> int:
        return (at - midnight(self.definition.schedule.start, self.definition.schedule.timezone)) // timedelta(days=1)


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StoryError(otherwise)
