"""Which earlier champion a rollback goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.receipts import Promotion


def former(model: str, promotions: Sequence[Promotion], to: str | None, *, again: bool = False) -> str:
    """Return the version *to*, which must have been champion, or the one that the present champion once replaced.

    Args:
        model: Its name, for the messages.
        promotions: All of the model and segment, in order.
        to: The version that was asked for, if one was.
        again: Whether nights are predicted again: then *to* may be the present champion.

    Raises:
        RejectedError: NO_CHAMPION, there is nothing to go back from; MODEL_UNKNOWN, *to* was never champion.
    """
    if not promotions:
        raise RejectedError(Code.NO_CHAMPION, "there is nothing to roll back", where=model)
    newest = promotions[-1]
    allowed = [row.version for row in promotions if row.version is not None and (again or row.version != newest.version)]
    version = to or _replaced_by(newest, promotions)
    if version is None or version not in allowed:
        found = f"must be one of {', '.join(dict.fromkeys(allowed)) or 'no earlier champion'}, got {to or 'none'}"
        raise RejectedError(Code.MODEL_UNKNOWN, found, where=f"{model}: version to roll back to")
    return version


def _replaced_by(newest: Promotion, promotions: Sequence[Promotion]) -> str | None:
    """Return the champion before the first reign of the *newest* one's version; for a retired model, its last champion."""
    retired = newest.version is None
    before = promotions if retired else takewhile(lambda row: row.version != newest.version, promotions)
    versions = [row.version for row in before if row.version is not None]
    return versions[-1] if versions else None
