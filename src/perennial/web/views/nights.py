"""A page of nights, the newest first."""

from __future__ import annotations

from perennial.core.health import Night
from perennial.core.receipts import Moment, Receipt


class Nights(Receipt):
    """Nights, the newest first; *earlier* and *later* are where the pages before and after this one end."""

    nights: tuple[Night, ...]
    earlier: Moment | None
    later: Moment | None
