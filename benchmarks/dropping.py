"""Stores whose ledger encodes predictions for COPY and drops them, so that predicting is measured without writing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pyarrow as pa

from perennial.core.receipts import PredictionBatch
from perennial.ports import Ledger, Stores
from perennial.stores.ledger.copy_encoding import encode

Dropped = dict[str, list[pa.Array]]


class _Dropping:
    """A ledger in everything but *publish*."""

    def __init__(self, ledger: Ledger, dropped: Dropped) -> None:
        """Hand everything else on to *ledger*."""
        self._ledger, self._dropped = ledger, dropped

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the ledger has
        """Return what the ledger has under this name."""
        return getattr(self._ledger, name)

    def publish(self, batch: PredictionBatch, predictions: Iterable[pa.RecordBatch]) -> PredictionBatch:
        """Encode all of *predictions* for COPY, drop that, and remember only the figures."""
        figures = self._dropped.setdefault(batch.role.value, [])
        for part in predictions:
            encode(part.add_column(0, "batch", pa.array(np.ones(part.num_rows, dtype=np.int64))))
            figures.append(part.column("prediction"))
        return batch


def dropping(stores: Stores) -> tuple[Stores, Dropped]:
    """Return *stores* with such a ledger, and where the predictions can be looked at, by role."""
    dropped: Dropped = {}
    return replace(stores, ledger=cast("Ledger", _Dropping(stores.ledger, dropped))), dropped
