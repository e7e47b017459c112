"""A snapshot's parts one by one, for work that looks at each of them alone, on whatever machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from perennial.core.receipts import Snapshot, Validation
from perennial.ports import Stores, Tools
from perennial.steps.snapshots.parts import Part, parts_of
from perennial.steps.snapshots.rows import Rows, refused_positions, stored_rows, without


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a snapshot, and what is needed to look at it alone.

    Attributes:
        part: The part.
        start: The position of its first row in the snapshot.
        quarantine: Where the rows lie that are left out; None where none are.
    """

    part: Part
    start: int
    quarantine: str | None = None


def pieces_of(stores: Stores, snapshot: Snapshot, validation: Validation | None = None) -> list[Piece]:
    """Return the pieces of a snapshot in the order of their rows; where *validation* is given, without its quarantined rows.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, of the manifest.
    """
    parts = parts_of(stores.artifacts, snapshot.digest).rows
    starts = accumulate((part.rows for part in parts), initial=0)
    return [Piece(part, start, validation.quarantine if validation else None) for part, start in zip(parts, starts, strict=False)]


@contextmanager
def piece_rows(piece: Piece, tools: Tools) -> Iterator[Rows]:
    """Lend the rows of a piece. What is lent may not be read after the ``with``.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM, of the part or of the quarantine.
    """
    with ExitStack() as lent:
        rows = stored_rows(tools, lent, (piece.part,))
        refused = refused_positions(tools, piece.quarantine)
        first, end = np.searchsorted(np.sort(refused), [piece.start, piece.start + piece.part.rows])
        yield without(rows, np.sort(refused)[first:end] - piece.start)
