"""One thing that ``perennial doctor`` looked at."""

from __future__ import annotations

from enum import StrEnum

from perennial.core.receipts import Receipt


class State(StrEnum):
    """How it stands: in order, working but open to harm or loss, or not working."""

    RIGHT = "right"
    UNSAFE = "unsafe"
    WRONG = "wrong"


class Finding(Receipt):
    """What was looked at, how it stands, and what was found."""

    what: str
    state: State
    found: str
