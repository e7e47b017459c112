"""Whether the night's rows can be told from those that the champion was trained on, all columns taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perennial.core.receipts import Signal, SignalState
from perennial.learning.threads import steady_threads
from perennial.monitoring.counting.columns import require_columns
from perennial.monitoring.shift.two_sample import TwoSample, two_sample
from perennial.steps.sample import ROWS, drawn_rows, read_sample
from perennial.steps.snapshots.rows import Rows, open_rows
from perennial.steps.unless_lost import unless_lost

if TYPE_CHECKING:
    from perennial.core.receipts import ModelVersion, Snapshot, Validation
    from perennial.definition.models import Definition
    from perennial.ports import Stores

_LEAST_REFERENCE, _TIMES = 4_000, 4
"""Of the reference as many rows are taken as this, or so many times as the night has: more would hardly sharpen the test."""


def told_apart(
    definition: Definition, stores: Stores, version: ModelVersion, snapshot: Snapshot, validation: Validation
) -> TwoSample | None:
    """Try to tell the night's rows from the sample that is kept with *version*; None where that cannot be tried.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE.
    """
    seed, features = definition.estimator.seed, definition.features
    found = _sample(stores, version)
    if found is None or not set(features.columns) <= set(found[0].column_names):
        return None
    with open_rows(definition, stores, snapshot, validation) as rows:
        if rows.num_rows < definition.monitoring.minimum_rows:
            return None
        night = _drawn(rows, features.columns, seed)
    sample, nights = found
    kept = drawn_rows(sample.num_rows, min(ROWS, max(_LEAST_REFERENCE, _TIMES * night.num_rows)), seed)
    with steady_threads(0):  # its products are small: several threads would wait for each other
        return two_sample(
            sample.take(pa.array(kept)),
            nights[kept],
            night,
            numeric=features.numeric,
            categorical=features.categorical,
            shift=definition.monitoring.tolerance.input_shift,
            seed=seed,
        )


def told_signal(found: TwoSample | None, level: float, rows: int) -> Signal:
    """Return the signal of what was *found*, where a test alarms up to the chance *level*."""
    if found is None:
        sentence = "the rows cannot be held against those of the training: too few, or none are kept with the champion"
        return _signal(SignalState.INSUFFICIENT, None, None, rows, sentence)
    threshold = found.threshold(level)
    able = SignalState.QUIET if found.can_alarm(level) else SignalState.INSUFFICIENT
    state = SignalState.ALARM if found.p_value <= level else able
    said = (
        f"the night's rows are told from the training's with an area of {found.area:.3f} under the curve, {threshold:.3f} allowed"
    )
    if state is SignalState.ALARM and found.causes:
        said += f"; most by {', '.join(found.causes)}"
    if state is SignalState.INSUFFICIENT:
        said += f"; no night of {rows} rows could alarm"
    return _signal(state, round(found.area, 4), round(threshold, 4), rows, said)


def _signal(state: SignalState, value: float | None, threshold: float | None, rows: int, sentence: str) -> Signal:
    return Signal(
        name="all columns together", kind="multivariate", state=state, value=value, threshold=threshold, n=rows, sentence=sentence
    )


def _sample(stores: Stores, version: ModelVersion) -> tuple[pa.Table, np.ndarray] | None:
    digest = version.sample
    return None if digest is None else unless_lost(lambda: read_sample(stores, digest))


def _drawn(rows: Rows, columns: tuple[str, ...], seed: int) -> pa.Table:
    """Return the *columns* of at most ``ROWS`` rows of the night, drawn evenly; only these are held in memory."""
    require_columns(columns, rows.schema)
    wanted, start, parts = drawn_rows(rows.num_rows, ROWS, seed), 0, []
    for batch in rows.batches(columns):
        end = start + batch.num_rows
        here = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, end)] - start
        parts.append(batch if here.size == batch.num_rows else batch.take(pa.array(here)))
        start = end
    return pa.Table.from_batches(parts)
