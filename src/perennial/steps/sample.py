"""Some rows of the training, kept with a version: what the night's rows are told from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.scored_nights import reference_nights
from perennial.steps.snapshots.stored_parquet import open_parquet, read_all

ROWS = 20_000
_NIGHTS = b"nights"


def write_sample(path: Path, definition: Definition, rows: pa.Table) -> None:
    """Write at most ``ROWS`` of the training's *rows*, drawn by the definition's seed, with the features and their nights only.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
    """
    drawn = drawn_rows(rows.num_rows, ROWS, definition.estimator.seed)
    nights = reference_nights(definition, rows)[drawn]
    kept = rows.select(list(definition.features.columns)).take(pa.array(drawn))
    known, sizes = np.unique(nights, return_counts=True)
    order = pa.array(np.argsort(nights, kind="stable"))
    told = json.dumps([[int(night), int(size)] for night, size in zip(known, sizes, strict=True)])
    with file_errors(WHERE):
        pq.write_table(kept.take(order).replace_schema_metadata({_NIGHTS: told}), path, compression="zstd")


def read_sample(stores: Stores, digest: str) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Return the rows of a sample, and the number of the night of each, shape (rows,).

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
    """
    with stores.artifacts.fetch(digest) as path:
        rows = read_all(open_parquet(path))
    nights = np.array(json.loads(rows.schema.metadata[_NIGHTS]), dtype=np.int64).reshape(-1, 2)
    return rows, np.repeat(nights[:, 0], nights[:, 1])


def drawn_rows(rows: int, most: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the positions of at most *most* of *rows* rows, ascending."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
