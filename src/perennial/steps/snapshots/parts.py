"""The parts of a snapshot: Parquet files of fixed row groups, each under its own digest, listed in a manifest."""

from __future__ import annotations

import json

from perennial.core.receipts import Receipt
from perennial.ports import Artifacts

FORMAT = 2
ROWS_PER_GROUP = 100_000
"""Rows of a row group. It is fixed, so that equal rows give equal bytes whatever batches a source yields."""


class Part(Receipt):
    """One Parquet file of a snapshot: its digest, its rows, its size in bytes."""

    digest: str
    rows: int
    bytes: int


class Parts(Receipt):
    """The files of a snapshot in the order of their rows. *labels* is empty where the snapshot has none."""

    rows: tuple[Part, ...]
    labels: tuple[Part, ...] = ()


def parts_of(artifacts: Artifacts, snapshot: str) -> Parts:
    """Return the parts that the manifest of *snapshot*, a digest, names.

    Raises:
        ArtifactError: ARTIFACT_MISSING, ARTIFACT_CHECKSUM.
    """
    return named_parts(artifacts.get(snapshot))


def named_parts(manifest: bytes) -> Parts:
    """Return the parts that a *manifest* names."""
    return Parts.model_validate(json.loads(manifest)["parts"])
