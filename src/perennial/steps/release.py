"""release: a person says that what validation refused of a night is right after all, or takes that back."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.core.codes import Code
from perennial.core.digest import digest_json
from perennial.core.errors import RejectedError
from perennial.core.interval import Interval
from perennial.core.receipts import Finding, Purpose, Release, Validation
from perennial.definition.models import Definition
from perennial.ports import Stores

_DERIVED = ("quality.tolerated", "quality.faults")
"""What follows from other findings, and is not released itself."""


def release(
    definition: Definition,
    night: Interval,
    segment: str,
    stores: Stores,
    *,
    reason: str,
    actor: str,
    findings: Sequence[str] | None = None,
) -> Release:
    """Record that findings of the last validation of *night* are no faults.

    It holds for the rows that were validated: where the source yields others, it does not count. Scoring the night again lets it
    through; later training windows take its rows. A key that stands twice, and what could not be checked, cannot be released.

    Args:
        definition: The model.
        night: The night's interval.
        segment: The segment.
        stores: Where the night was validated.
        reason: Why; it is kept.
        actor: Who says so.
        findings: Which ones, by name; by default all that refuse something.

    Raises:
        RejectedError: MODEL_UNKNOWN, the night was not validated, nothing of it was refused, or there is no such finding.
    """
    last = last_validation(definition, night, segment, stores)
    refused = [finding.name for finding in last.findings if _refuses(finding)]
    wanted = tuple(dict.fromkeys(refused if findings is None else findings))
    unknown = [name for name in wanted if name not in refused]
    if unknown or not wanted:
        found = f"got {', '.join(unknown)}" if unknown else "nothing is"
        message = (
            f"must be a finding by which something is refused ({', '.join(dict.fromkeys(refused)) or 'there is none'}), {found}"
        )
        raise RejectedError(Code.MODEL_UNKNOWN, message, where=f"{definition.name} {night}")
    return _record(stores, last, wanted, stands=True, reason=reason, actor=actor)


def take_back(definition: Definition, night: Interval, segment: str, stores: Stores, *, reason: str, actor: str) -> Release:
    """Record that what was released of *night* is refused again.

    Raises:
        RejectedError: MODEL_UNKNOWN, the night was not validated, or nothing of it is released.
    """
    last = last_validation(definition, night, segment, stores)
    said = [one for one in stores.ledger.history(Release, definition.name, segment, within=night) if one.interval == night]
    if not said or not said[-1].stands:
        raise RejectedError(Code.MODEL_UNKNOWN, "nothing is released", where=f"{definition.name} {night}")
    return _record(stores, last, said[-1].findings, stands=False, reason=reason, actor=actor)


def last_validation(definition: Definition, night: Interval, segment: str, stores: Stores) -> Validation:
    """Return what validation said last of *night*.

    Raises:
        RejectedError: MODEL_UNKNOWN, nothing.
    """
    known = stores.ledger.history(Validation, definition.name, segment, within=night)
    found = [one for one in known if one.interval == night and one.purpose is Purpose.SCORE]
    if not found:
        raise RejectedError(Code.MODEL_UNKNOWN, "the night was not validated", where=f"{definition.name} {night}")
    return found[-1]


def _refuses(finding: Finding) -> bool:
    return (not finding.success or finding.unexpected > 0) and finding.expectation not in _DERIVED


def _record(stores: Stores, last: Validation, findings: tuple[str, ...], *, stands: bool, reason: str, actor: str) -> Release:
    content = [last.snapshot, list(findings), stands, reason, actor]
    return stores.ledger.record(
        Release(
            id=digest_json(content)[:32],
            model=last.model,
            segment=last.segment,
            interval=last.interval,
            snapshot=last.snapshot,
            findings=findings,
            stands=stands,
            reason=reason,
            actor=actor,
        )
    )
