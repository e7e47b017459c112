"""Records that were read a moment ago are not read again, as far as they are not too large together."""

from __future__ import annotations

from gc import collect
from weakref import ref

import numpy as np
import pyarrow as pa

from perennial.monitoring.counting.reference import Moments, Reference, reference_profile
from perennial.monitoring.stored import MOST_BYTES


def test_records_that_were_read_take_bounded_memory() -> None:
    """Forty references of about four million bytes each are read; what the last one says is not read again."""
    rng = np.random.default_rng(0)
    rows = pa.table({"a": rng.normal(size=6_000)})
    made = reference_profile(rows, numeric="a", nights=np.arange(6_000))
    told = made.model_copy(update={"moments": {"a": Moments(mean=0.5, deviation=None)}}).to_json()
    contents = [told.replace(b'"mean":0.5', f'"mean":{number}.5'.encode()) for number in range(40)]
    read = [ref(Reference.from_json(content)) for content in contents]
    collect()  # a record and what it caches may point at each other
    kept = [record.by_column.counts["a"].nbytes for found in read if (record := found()) is not None]
    assert kept
    assert sum(kept) <= MOST_BYTES < len(read) * kept[0]
    assert Reference.from_json(contents[-1]) is read[-1]()
