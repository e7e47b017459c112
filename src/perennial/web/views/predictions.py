"""The predictions of one entity over time."""

from __future__ import annotations

from perennial.core.health import Foretold
from perennial.core.interval import Interval
from perennial.core.receipts import Receipt


class Predictions(Receipt):
    """The current predictions of *entity* within a time, with their labels. *cut*: there are more, which are left out."""

    entity: str
    within: Interval
    rows: tuple[Foretold, ...]
    cut: bool
