"""What a column's edges are called, and whose values they part."""

from __future__ import annotations

from perennial.monitoring.stored import Frozen


class NamedEdges(Frozen):
    """Edges of a column, or of a measure of it.

    Attributes:
        column: The column of the rows.
        measure: What of its values is counted, such as the length of a text; None where that is the values themselves.
    """

    column: str
    measure: str | None = None

    @property
    def name(self) -> str:
        """What people and profiles call it, such as ``note (length)``."""
        return f"{self.column} ({self.measure})" if self.measure else self.column
