"""Fits that the schedule will ask for, done before it does, so that every workshop has something to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.backtest.lane import Lane
from perennial.backtest.memo import drafting
from perennial.backtest.shared_training import SharedTraining
from perennial.core.errors import PerennialError
from perennial.core.interval import Interval
from perennial.definition.calendar import ticks, training_window


@dataclass(frozen=True, slots=True)
class Due:
    """A retraining of a schedule: when, on what, and of which policy."""

    at: datetime
    window: Interval
    lane: Lane


@dataclass(slots=True)
class Ahead:
    """What the schedules of all policies will ask for.

    A fit does not see the holdout, nor labels that are not matured. So all nights that it sees were checked long before, and what
    is fitted ahead is what will be asked for. Where it is not, it is fitted again then.

    Attributes:
        training: The steps.
        threads: Who waits for the workshops.
        due: What will be asked for, first what comes first.
        reach: How long before.
        most: So many at a time.
    """

    training: SharedTraining
    threads: ThreadPoolExecutor
    due: list[Due]
    reach: timedelta
    most: int
    _begun: list[Future[None]]

    def look(self, at: datetime) -> None:
        """Begin what comes within the reach of a moment, as long as there is room for it."""
        self._begun = [future for future in self._begun if not future.done()]
        while self.due and self.due[0].at <= at:
            self.due.pop(0)
        for due in self.due[: self.most - len(self._begun)]:
            if due.at > at + self.reach:
                return
            self.due.remove(due)
            self._begun.append(self.threads.submit(self.fit, due))

    def fit(self, due: Due) -> None:
        """Do what *due* asks for."""
        with suppress(PerennialError):  # whoever asks for it meets the same error, and tells it
            self.training.ahead(due.lane.definition, due.window, drafting(due.lane.stores), as_of=due.at, segment=due.lane.segment)


@contextmanager
def looking_ahead(training: SharedTraining, lanes: Sequence[Lane], within: Interval, workshops: int) -> Iterator[Ahead]:
    """Lend one who fits ahead in so many *workshops*; what it has begun is over after the ``with``."""
    definition = training.definition
    threads = ThreadPoolExecutor(workshops, thread_name_prefix="ahead")
    try:
        reach = definition.evaluation.holdout + definition.label.delay
        yield Ahead(training, threads, _due(lanes, within), reach, 2 * workshops, [])
    finally:
        threads.shutdown(cancel_futures=True)


def _due(lanes: Sequence[Lane], within: Interval) -> list[Due]:
    """Return what the schedules of *lanes* ask for, each window once."""
    found: dict[tuple[datetime, Interval], Due] = {}
    for lane in lanes:
        schedule = lane.definition.schedule
        for at in ticks(schedule.retrain, schedule.timezone, within) if schedule.retrain else ():
            window = training_window(lane.definition, at)
            found.setdefault((at, window), Due(at, window, lane))
    return sorted(found.values(), key=lambda due: due.at)
