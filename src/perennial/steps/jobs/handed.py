"""What a step and its job hand each other as files: rows as Arrow, models as their bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.core.file_errors import file_errors
from perennial.core.scratch import WHERE
from perennial.learning.archive import MAX_BYTES
from perennial.learning.codec import Written

PROFILE = "profile.json"
SAMPLE = "sample.parquet"


def hand_rows(folder: Path, name: str, rows: pa.Table) -> None:
    """Write *rows*.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
    """
    with file_errors(WHERE), pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, rows.schema) as out:
        out.write_table(rows)


def handed_rows(folder: Path, name: str) -> pa.Table:
    """Return rows, without a copy in memory: their pages are the file's."""
    with file_errors(WHERE), pa.memory_map(str(folder / f"{name}.arrow")) as file:
        return pa.ipc.open_file(file).read_all()


def hand_model(folder: Path, name: str, model: Written) -> None:
    """Write the bytes of a model and what its manifest says.

    Raises:
        RejectedError: STORE_FULL, STORE_DENIED.
    """
    with file_errors(WHERE):
        (folder / f"{name}.model").write_bytes(model.content)
        (folder / f"{name}.json").write_text(json.dumps(model.body))


def handed_model(folder: Path, name: str) -> Written:
    """Return them.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE.
    """
    return Written(handed_bytes(folder / f"{name}.model"), json.loads(handed_bytes(folder / f"{name}.json")))


def handed_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        ArtifactError: ARTIFACT_TOO_LARGE.
    """
    with file_errors(WHERE):
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ArtifactError(Code.ARTIFACT_TOO_LARGE, f"must be at most {MAX_BYTES} bytes, got {size}", where="model")
        return path.read_bytes()
