"""Counting a night's rows over edges: here, or part by part on the engine that the settings name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from perennial.core.receipts import Snapshot, Validation
from perennial.definition.models import Definition
from perennial.monitoring.counting.columns import require_columns
from perennial.monitoring.counting.edges import Edges
from perennial.monitoring.counting.profile import Profile, merge, profile
from perennial.ports import Stores, Tools
from perennial.steps.snapshots.pieces import Piece, piece_rows, pieces_of
from perennial.steps.snapshots.rows import Rows, open_rows


def counted(edges: Edges, definition: Definition, stores: Stores, snapshot: Snapshot, validation: Validation) -> Profile:
    """Return the counts over *edges* of the rows that *validation* let through.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    if stores.engine is not None:
        told = stores.engine.map(CountPiece(edges), pieces_of(stores, snapshot, validation))
        return reduce(merge, map(Profile.from_json, told))
    with open_rows(definition, stores, snapshot, validation) as rows:
        return _of_rows(edges, rows)


@dataclass(frozen=True, slots=True)
class CountPiece:
    """Counts one piece. It runs on the engine's machines."""

    edges: Edges

    def __call__(self, piece: Piece, tools: Tools) -> bytes:
        """Return the counts of *piece* as JSON."""
        with piece_rows(piece, tools) as rows:
            return _of_rows(self.edges, rows).to_json()


def _of_rows(edges: Edges, rows: Rows) -> Profile:
    require_columns(edges.reads, rows.schema)
    return profile(edges, rows.batches(edges.reads))
