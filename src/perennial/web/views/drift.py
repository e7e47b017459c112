"""How far the inputs of a night lie from what its champion was trained on."""

from __future__ import annotations

from perennial.core.receipts import Keyed, Moment, Signal
from perennial.web.views.columns import ColumnView


class DriftView(Keyed):
    """A night beside the reference of *version*, column by column, those that moved most first.

    *remark* says why there are figures but no bins, where that is so.
    """

    version: str | None
    trained_until: Moment | None
    signals: tuple[Signal, ...]
    columns: tuple[ColumnView, ...]
    remark: str | None = None
