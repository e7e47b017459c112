"""A night's rows as several models predict them: here, as one stream, or part by part on the engine that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import RootModel

from perennial.core.receipts import Receipt
from perennial.monitoring.counting.profile import Profile, merge
from perennial.ports import Engine, Stores, Tools
from perennial.steps.scoring.scoring import Scored, Scoring, begun
from perennial.steps.scoring.spooled_rows import spooled_rows
from perennial.steps.snapshots.parts import Part
from perennial.steps.snapshots.pieces import Piece, piece_rows
from perennial.steps.snapshots.rows import Rows, stored_rows
from perennial.steps.snapshots.store_parts import store_parts

if TYPE_CHECKING:
    import pyarrow as pa

COPIES = 4
"""Predictions that lie in parts are handed over in so many streams at most, each of which a connection may copy."""


class _Answer(Receipt):
    """What one model predicted of a piece: Parquet parts, none where the piece has no row left, and the counts."""

    parts: tuple[Part, ...]
    profile: Profile | None
    outlook: Profile | None


_Answers = RootModel[tuple[_Answer, ...]]


@contextmanager
def predictions(
    scorings: Sequence[Scoring], rows: Rows, pieces: Callable[[], Sequence[Piece]], stores: Stores
) -> Iterator[list[Scored]]:
    """Predict *rows*, of which there is at least one, with every model, and lend what came of it, in the order of *scorings*.

    All is predicted before anything is lent.

    Args:
        scorings: What is asked.
        rows: The rows, to be read here.
        pieces: Returns the same rows in pieces, to be read anywhere.
        stores: Where the work is done, and what it needs.

    Raises:
        ArtifactError: A model is not what was signed, or a part of the rows is lost.
        DataError: PREDICTION_NONFINITE; SCHEMA_MISSING, SCHEMA_TYPE, a model needs columns that these rows lack.
        DefinitionError: DEFINITION_ESTIMATOR.
        RejectedError: STORE_FULL, STORE_DENIED.
        TerminalError: ENGINE_FAILED.
        UnavailableError: STORE_UNAVAILABLE, ENGINE_FAILED, ENGINE_UNAVAILABLE.
    """
    with ExitStack() as files:
        if stores.engine is None:
            yield [_here(scoring, rows, stores, files) for scoring in scorings]
        else:
            yield _on(stores.engine, tuple(scorings), pieces(), stores)


def _here(scoring: Scoring, rows: Rows, stores: Stores, files: ExitStack) -> Scored:
    """Predict all rows in this process, as one stream into a scratch file."""
    found = begun(scoring, rows, stores)
    kept = files.enter_context(spooled_rows(found.schema, found.batches, stores.scratch))
    return Scored(streams=lambda: [kept.batches()], profile=found.profile, outlook=found.outlook)


def _on(engine: Engine, scorings: tuple[Scoring, ...], pieces: Sequence[Piece], stores: Stores) -> list[Scored]:
    """Predict each piece wherever *engine* does, into artifacts."""
    told = [_Answers.model_validate_json(answer).root for answer in engine.map(ScorePiece(scorings), pieces)]
    return [_merged(answers, stores) for answers in zip(*told, strict=True)]


@dataclass(frozen=True, slots=True)
class ScorePiece:
    """Predicts one piece with every model. It runs on the engine's machines."""

    scorings: tuple[Scoring, ...]

    def __call__(self, piece: Piece, tools: Tools) -> bytes:
        """Put the predictions of *piece* into the artifacts, and return by which digests, with what was counted, as JSON."""
        with piece_rows(piece, tools) as rows:
            return _Answers(tuple(_answer(scoring, rows, tools) for scoring in self.scorings)).model_dump_json().encode()


def _answer(scoring: Scoring, rows: Rows, tools: Tools) -> _Answer:
    found = begun(scoring, rows, tools)
    parts = store_parts(found.batches, tools)
    return _Answer(parts=parts, profile=found.profile, outlook=found.outlook)


def _merged(answers: Sequence[_Answer], tools: Tools) -> Scored:
    parts = [part for answer in answers for part in answer.parts]
    shares = _shares(parts, COPIES)
    return Scored(
        streams=lambda: [_stored(share, tools) for share in shares],
        profile=_together([answer.profile for answer in answers]),
        outlook=_together([answer.outlook for answer in answers]),
    )


def _together(profiles: Sequence[Profile | None]) -> Profile | None:
    known = [profile for profile in profiles if profile is not None]
    return reduce(merge, known) if known else None


def _shares(parts: Sequence[Part], most: int) -> list[Sequence[Part]]:
    """Return *parts* in at most so many shares, each of neighbours, so that each is in the order of time."""
    count = min(most, len(parts))
    bounds = [len(parts) * number // count for number in range(count + 1)]
    return [parts[start:end] for start, end in pairwise(bounds)]


def _stored(parts: Sequence[Part], tools: Tools) -> Iterator[pa.RecordBatch]:
    with ExitStack() as lent:
        yield from stored_rows(tools, lent, parts).batches()
