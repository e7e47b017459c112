"""What a model may meet at night, tried before it is trusted: one row, none, categories that are new, values that are missing."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

import pyarrow as pa

from perennial.core.errors import PerennialError
from perennial.learning.codec import LoadedModel
from perennial.learning.features import feature_frame
from perennial.learning.predict import predict

UNSEEN = "perennial: a category that was never seen"
"""No row has this value."""
_TIMES = 5
_PATIENCE_S = 1.0


def refusals(model: LoadedModel, row: pa.Table, *, missing: Collection[str]) -> tuple[list[str], bool]:
    """Try what *model* may meet.

    A new category may come any night. A missing value is asked for only in the columns *missing*: an estimator that refuses
    missing values does no harm as long as there are none.

    Args:
        model: The model.
        row: One row that it can predict.
        missing: Columns of which the data lack a value somewhere.

    Returns:
        What it fails at, each as the rest of a sentence that begins with the model; and whether every feature may be missing.
    """
    columns = model.columns
    given = (*columns.numeric, *columns.categorical)
    new = {name: pa.array([UNSEEN]) for name in columns.categorical}
    gaps = [name for name in given if name in missing]
    asked = {"one row": row, "no row": row.slice(0, 0)}
    if new:
        asked["a category that is new"] = _with(row, new)
    if gaps:
        asked["a missing value in a column that has some"] = _without(row, gaps)
    found = [f"cannot predict {what} ({fault})" for what, rows in asked.items() for fault in _faults(model, rows)]
    return found, not any(_faults(model, _without(row, given)))


def seconds_for(model: LoadedModel, rows: pa.Table) -> float:
    """Return how long *rows* take on a machine that does nothing else, from rows to figures, in seconds.

    It is the least of five times, as other work only ever adds; fewer where they take over a second together. Each is the clock's,
    or the processors' where that is less: on a busy machine the clock also counts how long the model waited for its turn. Of a
    model that works on several processors at once, it is the clock's on a quiet machine.
    """
    least, left = float("inf"), _PATIENCE_S
    for _ in range(_TIMES):
        began, worked = time.perf_counter(), time.process_time()
        _predicted(model, rows)
        took, cpu = time.perf_counter() - began, time.process_time() - worked
        least, left = min(least, took, cpu or took), left - took  # a coarse clock of the processors may not have moved
        if left < 0:
            break
    return least


def _faults(model: LoadedModel, rows: pa.Table) -> Iterator[str]:
    """Yield why *model* cannot predict *rows*, if it cannot."""
    try:
        _predicted(model, rows)
    except PerennialError as error:
        yield f"{error.faults[0].message} [{error.code}]"


def _predicted(model: LoadedModel, rows: pa.Table) -> None:
    predict(model.model, feature_frame(rows, model.columns), task=model.task)


def _without(row: pa.Table, names: Collection[str]) -> pa.Table:
    return _with(row, {name: pa.nulls(row.num_rows, row.schema.field(name).type) for name in names})


def _with(row: pa.Table, values: dict[str, pa.Array]) -> pa.Table:
    for name, value in values.items():
        row = row.set_column(row.column_names.index(name), name, value)
    return row
