"""Showing the rows of a night piece by piece on the engine that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from perennial.core.receipts import Purpose, Snapshot
from perennial.ports import Stores, Tools
from perennial.quality.plain import Plain, packed, unpacked
from perennial.quality.scan import Apart, Elsewhere, show
from perennial.steps.snapshots.pieces import Piece, piece_rows, pieces_of


def elsewhere_of(stores: Stores, snapshot: Snapshot) -> Elsewhere | None:
    """Return what shows the rows of *snapshot* piece by piece; None where they are read here.

    That is so where no engine is named, and always of a training window: it is joined with its labels in memory.
    """
    engine = stores.engine
    if engine is None or snapshot.purpose is not Purpose.SCORE:
        return None
    pieces = pieces_of(stores, snapshot)

    def elsewhere(names: Sequence[str], who: Sequence[Apart]) -> Iterator[Sequence[Plain]]:
        yield from map(unpacked, engine.map(LookAtPiece(tuple(names), tuple(who)), pieces))

    return elsewhere


@dataclass(frozen=True, slots=True)
class LookAtPiece:
    """Shows one piece. It runs on the engine's machines."""

    names: tuple[str, ...]
    who: tuple[Apart, ...]

    def __call__(self, piece: Piece, tools: Tools) -> bytes:
        """Show *piece* to copies of who wants to see it, and return what each of them told."""
        who = deepcopy(self.who)
        with piece_rows(piece, tools) as rows:
            show(rows.batches(self.names), who, start=piece.start)
        return packed([one.told() for one in who])
