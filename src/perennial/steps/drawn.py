"""The rows of a training that a fit gets, where the definition says that there are too many of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from perennial.definition.models import Definition
from perennial.learning.draw import draw, lots_of
from perennial.steps.arrays import days, moments
from perennial.steps.columns import entity_text


def drawn(definition: Definition, rows: pa.Table) -> pa.Table:
    """Return *rows*, or, where there are more than ``estimator.rows``, as many of them, in their order.

    Each UTC day keeps its share. Which of its rows are drawn follows from their entities, their moments and the definition's seed:
    the same ones whatever the order of the rows, and however they were stored.
    """
    most = definition.estimator.rows
    if most is None or rows.num_rows <= most:
        return rows
    entities = entity_text(rows, definition.source.entity).dictionary_encode()
    codes = np.asarray(entities.indices, dtype=np.int64)
    lots = lots_of(entities.dictionary.to_pylist(), codes, moments(rows, definition), definition.estimator.seed)
    return rows.filter(pa.array(draw(days(rows, definition), lots, most)))
