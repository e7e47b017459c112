"""Rows of a file that wait on the scratch disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from perennial.core.errors import UnavailableError
from perennial.stores.files.landed import Landed, landing


def test_what_cannot_be_read_again_is_told_as_the_scratch_disks(tmp_path: Path) -> None:
    """By one of our errors, whatever the operating system says."""
    kinds = {"row": pa.int64()}
    with landing(tmp_path / "rows.arrow", kinds) as write:
        write(pa.record_batch({"row": pa.array([1, 2])}))
    landed = Landed(tmp_path / "rows.arrow", kinds)
    assert [batch["row"].to_pylist() for batch in landed.batches(["row"])] == [[1, 2]]

    landed.path.unlink()
    with pytest.raises(UnavailableError, match="STORE_UNAVAILABLE") as raised:
        list(landed.batches(["row"]))
    assert raised.value.where == "scratch"
