"""Which rows of a source belong to a segment, and which to none."""

from __future__ import annotations

from perennial.definition.models import Definition, Segments
from perennial.definition.segment_of import segment_of
from perennial.ports import Among


def of_segment(definition: Definition, segment: str) -> Among | None:
    """Return what selects the rows of *segment*; None where the definition has no segments, and all rows are meant.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
    """
    segment_of(definition, segment)
    return _among(definition.segments, (segment,)) if definition.segments else None


def of_no_segment(segments: Segments) -> Among:
    """Return what selects the rows that belong to none of *segments*."""
    return _among(segments, tuple(segments.values), others=True)


def _among(segments: Segments, names: tuple[str, ...], *, others: bool = False) -> Among:
    values = [segments.values[name] for name in names]
    texts = tuple(value for value in values if isinstance(value, str))
    return Among(column=segments.column, values=texts or tuple(map(int, values)), others=others)
