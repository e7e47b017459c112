"""Predictions with their lineage into one file, on disk or on S3: whole, or not at all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import IO

from perennial.core.codes import Code
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Role
from perennial.ports import Ledger
from perennial.stores.exporting.file import new_file
from perennial.stores.exporting.format import write
from perennial.stores.exporting.kind import Format
from perennial.stores.exporting.rows import EXPORTED, export_rows


def export(
    ledger: Ledger,
    model: str,
    to: str,
    *,
    role: Role = Role.CHAMPION,
    within: Interval,
    kind: Format,
    force: bool = False,
    endpoint_url: str | None = None,
    segments: Sequence[str] = (ALL,),
) -> int:
    """Write the current predictions of *model* with ``event_at`` inside *within*, and return how many there were.

    Args:
        ledger: Where they are.
        model: The model's name.
        to: A path, or ``s3://bucket/key``.
        role: Whose predictions.
        within: Of which events.
        kind: CSV or Parquet.
        force: Replace what is there.
        endpoint_url: Where the S3 is not AWS's.
        segments: Of which segments, one after another.

    Raises:
        DataError: DATA_EMPTY; then nothing is written.
        RejectedError: STORE_REJECTED, *to* is taken; STORE_DENIED, STORE_FULL.
        UnavailableError: STORE_UNAVAILABLE.
    """
    with (
        closing(export_rows(ledger, model, role=role, within=within, segments=segments)) as batches,
        _opened(to, force, endpoint_url) as file,
    ):
        rows = write(file, kind, EXPORTED, batches)
        if rows == 0:
            raise DataError(Code.DATA_EMPTY, f"there are no current predictions of {model} ({role}) in {within}", where="export")
    return rows


def _opened(to: str, force: bool, endpoint_url: str | None) -> AbstractContextManager[IO[bytes] | io.RawIOBase]:
    if to.startswith("s3://"):
        from perennial.stores.exporting.s3 import new_object  # noqa: PLC0415 - boto3, for those who use it

        return new_object(to, force=force, endpoint_url=endpoint_url)
    return new_file(Path(to), force=force)
