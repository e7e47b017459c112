"""What is wrong with a night beside those that its champion learnt of: units, sentinels, volume, freshness, blocks, copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from perennial.core.receipts import Finding, Purpose, Snapshot
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.quality.column import kind_of
from perennial.quality.marks import Marks
from perennial.quality.night_figures import Night, NightFigures
from perennial.quality.rows import Rows
from perennial.quality.scan import Elsewhere, Tally, scan
from perennial.quality.sentinels import Holding, Sentinel, sentinels
from perennial.quality.units import units
from perennial.quality.unusual import blocks, copies, freshness
from perennial.quality.usual import Usual
from perennial.quality.volume import volume
from perennial.steps.arrays import microseconds
from perennial.steps.champion import champion_of, version_of
from perennial.steps.checking.usual_nights import usual_of, wanted_faults, watched_columns

EXPECTATION = "quality.faults"
"""The finding that says what was asked."""
YEAR = timedelta(days=365.25)
_TRAINING = "a training window"


@dataclass(frozen=True, slots=True)
class Faults:
    """What was found of a night.

    Attributes:
        told: What was asked, or why nothing was: always met. None of a training window, of which nothing is asked.
        whole: What is wrong with the night as a whole.
        refused: What is wrong with rows, why they are refused, and which: no fault of the whole as long as they are few.
    """

    told: tuple[Finding, ...] = ()
    whole: tuple[Finding, ...] = ()
    refused: tuple[tuple[Finding, str, Marks], ...] = ()

    @property
    def rows(self) -> list[Finding]:
        """What is wrong with rows."""
        return [finding for finding, _, _ in self.refused]


class NightFaults:
    """Looks at a night in the pass that checks it, and says afterwards what is wrong with it."""

    def __init__(self, definition: Definition, snapshot: Snapshot, stores: Stores, rows: Rows, elsewhere: Elsewhere | None) -> None:
        """Get to know what is usual for the night of *snapshot*, whose *rows* are about to be read, here or *elsewhere*.

        Raises:
            ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, ARTIFACT_FORMAT, of what is usual.
        """
        self._definition, self._night, self._rows, self._elsewhere = definition, snapshot.interval, rows, elsewhere
        self._usual, self._why = _known(definition, snapshot, stores)
        seen = watched_columns(definition, rows.schema)
        self._figures = NightFigures(seen, microseconds(self._night.start), microseconds(self._night.end), rows.num_rows)

    @property
    def tallies(self) -> list[Tally]:
        """Who wants to see the rows."""
        return [] if self._usual is None or not self._rows.num_rows else [self._figures]

    def found(self) -> Faults:
        """Return what is wrong with the night whose rows were seen; they are read once more where there are sentinels."""
        if self._usual is None or not self._rows.num_rows:
            return Faults(self._told(f"data faults were not looked for: {self._why or 'there are no rows'}"))
        night = self._figures.night
        foreign = _sentinels(self._usual, night) if self._definition.quality.faults.sentinels else []
        holding = Holding(foreign)
        if foreign:
            scan(self._rows, [holding], self._elsewhere)
        count = self._rows.num_rows
        return Faults(
            told=self._told(f"{', '.join(wanted_faults(self._definition))}: looked for beside {self._usual.nights} nights"),
            whole=tuple(self._whole(self._usual, night)),
            refused=tuple(
                (one.finding(count, marks.count), one.reason, marks) for one, marks in zip(foreign, holding.marks, strict=True)
            ),
        )

    def _told(self, sentence: str) -> tuple[Finding, ...]:
        if self._why is _TRAINING:
            return ()
        return (Finding(expectation=EXPECTATION, success=True, rows=self._rows.num_rows, unexpected=0, sentence=sentence),)

    def _whole(self, usual: Usual, night: Night) -> Iterator[Finding]:
        wanted, since = self._definition.quality.faults, self._since(usual)
        if wanted.units:
            yield from self._units(usual, night)
        times = {"hours": self._night.hours, "years": since / YEAR}
        single = (
            wanted.volume and volume(night.rows, usual.rows, *self._seasons(usual), level=self._level, years=since / YEAR),
            wanted.freshness and freshness(night, usual, **times),
            wanted.copies and copies(night, usual),
        )
        yield from (found for found in single if found)
        if wanted.blocks:
            yield from blocks(night, usual, **times)

    def _units(self, usual: Usual, night: Night) -> Iterator[Finding]:
        covered = _at(usual.starts_us[-1]) + self._night.length - _at(usual.starts_us[0])
        for name, found in night.numbers.items():
            were = usual.numbers(name)
            if were is not None and kind_of(self._rows.schema.field(name).type).numeric:
                finding = units(name, were, found, rows=night.rows, stale=self._since(usual) / covered)
                if finding is not None:
                    yield finding

    def _since(self, usual: Usual) -> timedelta:
        """Return the time since the last usual night; none for a night among them."""
        return max(self._night.start - _at(usual.starts_us[-1]) - self._night.length, timedelta(0))

    @property
    def _level(self) -> float:
        """The share of good nights that may be called faulty."""
        return min(self._definition.monitoring.false_alarms_per_year / (YEAR / self._night.length), 0.5)

    def _seasons(self, usual: Usual) -> tuple[npt.NDArray[np.int64], int]:
        """Return which nights are alike: those that begin on the same weekday, at the same hour, on the clock of the schedule."""
        zone = ZoneInfo(self._definition.schedule.timezone)
        moments = [_at(start).astimezone(zone) for start in usual.starts_us] + [self._night.start.astimezone(zone)]
        *seasons, tonight = (at.weekday() * 24 + at.hour for at in moments)
        return np.array(seasons, np.int64), tonight


def _known(definition: Definition, snapshot: Snapshot, stores: Stores) -> tuple[Usual | None, str]:
    """Return what is usual, or why nothing is held against it."""
    if snapshot.purpose is Purpose.TRAIN:
        return None, _TRAINING
    if not wanted_faults(definition):
        return None, "the definition wants none"
    version = version_of(stores, champion_of(stores, definition.name, snapshot.segment, snapshot.interval))
    found = usual_of(stores, version)
    return found, "" if found else "no champion yet" if version is None else "the champion's window has too few whole nights"


def _sentinels(usual: Usual, night: Night) -> list[Sentinel]:
    known = ((name, usual.numbers(name), found) for name, found in night.numbers.items())
    return [one for name, were, found in known if were is not None for one in sentinels(name, were, found)]


def _at(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(us))
