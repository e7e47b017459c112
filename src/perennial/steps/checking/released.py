"""What a person has released: which findings of a night no longer count, and which rows of it may be trained on."""

from __future__ import annotations

from collections.abc import Iterable

from perennial.core.interval import Interval
from perennial.core.receipts import Finding, Purpose, Release, Snapshot
from perennial.ports import Stores
from perennial.quality.findings import Checked
from perennial.quality.marks import Marks
from perennial.quality.refused import Refused
from perennial.quality.scan import Tally
from perennial.quality.sentences import reason
from perennial.steps.checking.faulty_nights import LONGEST_NIGHT, InNights


def release_of(stores: Stores, snapshot: Snapshot) -> Release | None:
    """Return the release that stands for the night of *snapshot* and was given for these very rows; None where there is none."""
    said = stores.ledger.history(Release, snapshot.model, snapshot.segment, within=snapshot.interval)
    last = next((one for one in reversed(said) if one.interval == snapshot.interval), None)
    return last if last is not None and last.stands and last.snapshot == snapshot.digest else None


class Released:
    """The releases that concern a snapshot: of a night its own, of a training window those of its nights."""

    def __init__(self, stores: Stores, snapshot: Snapshot, event_at: str) -> None:
        """Look up the releases."""
        self.own = release_of(stores, snapshot) if snapshot.purpose is Purpose.SCORE else None
        nights = _standing(stores, snapshot) if snapshot.purpose is Purpose.TRAIN else []
        self._nights = [(frozenset(one.findings), InNights(event_at, [one.interval])) for one in nights]

    @property
    def id(self) -> str | None:
        """The id of the night's own release, if there is one."""
        return self.own.id if self.own else None

    @property
    def tallies(self) -> list[Tally]:
        """Who wants to see the rows."""
        return [rows for _, rows in self._nights]

    def told(self, finding: Finding) -> Finding:
        """Return *finding* of a night; where it was released, as one that is met, and by whom."""
        if self.own is None or finding.name not in self.own.findings or (finding.success and not finding.unexpected):
            return finding
        sentence = f"{finding.sentence}; released by {self.own.actor}"
        return finding.model_copy(update={"success": True, "sentence": sentence})

    def applied(self, checked: Checked) -> Checked:
        """Return what a check found as it counts now. What could not be checked cannot be released."""
        pairs = list(zip(checked.findings, checked.outcomes, strict=True))
        findings = tuple(finding if outcome.obstacle else self.told(finding) for finding, outcome in pairs)
        by_row = [(finding.name, outcome) for finding, outcome in pairs if outcome.by_row]
        refused = Refused((reason(one.type, one.arguments), self.left(name, one.marks)) for name, one in by_row)
        unmet = tuple(one for one, (_, outcome) in zip(findings, pairs, strict=True) if not (one.success or outcome.by_row))
        return Checked(findings, refused, unmet, checked.outcomes)

    def left(self, finding: str, marks: Marks) -> Marks:
        """Return those of the rows that *finding*, by name, refuses which nobody released. Call it after the rows were seen."""
        if self.own is not None and finding in self.own.findings:
            return Marks()
        return marks.without(Marks.union(rows.marks for findings, rows in self._nights if finding in findings))


def _standing(stores: Stores, snapshot: Snapshot) -> Iterable[Release]:
    """Return the releases that stand for the nights of a training window."""
    begun = Interval(snapshot.interval.start - LONGEST_NIGHT, snapshot.interval.end)
    last = {one.interval: one for one in stores.ledger.history(Release, snapshot.model, snapshot.segment, within=begun)}
    return [one for one in last.values() if one.stands]
