"""A model's predictions on the rows of a snapshot, one batch after the other."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from perennial.core.read_ahead import read_ahead
from perennial.definition.models import Relation
from perennial.learning.features import feature_frame, require_features
from perennial.learning.predict import gives_intervals, nonfinite, prediction_intervals, raw_predictions, require_finite
from perennial.monitoring.counting.columns import require_columns
from perennial.steps.arrays import MOMENT
from perennial.steps.columns import entity_text
from perennial.steps.snapshots.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

    from perennial.learning.codec import LoadedModel
    from perennial.monitoring.counting.profile import Tally

SCHEMA = pa.schema([("entity", pa.string()), ("event_at", MOMENT), ("prediction", pa.float64())])
_FEW = 1_000
"""Rows that come in one batch, as a rule: a thread that prepares the next one costs more than it saves."""
WITH_INTERVAL = pa.schema([*SCHEMA, ("low", pa.float64()), ("high", pa.float64())])


@dataclass(frozen=True, slots=True)
class _Prepared:
    keys: list[pa.Array]
    frame: pd.DataFrame


def schema_of(loaded: LoadedModel) -> pa.Schema:
    """Return the columns of what *loaded* predicts."""
    return WITH_INTERVAL if gives_intervals(loaded.model) else SCHEMA


def scored_rows(
    source: Relation, rows: Rows, loaded: LoadedModel, tally: Tally | None = None, outlook: Tally | None = None
) -> Generator[pa.RecordBatch]:
    """Yield the predictions of each batch of *rows*.

    Only the columns that are needed are read, and while a batch is predicted the next one is prepared, where there may be a next
    one. Whether all predictions are finite is known, and said, when the last batch has been yielded.

    Args:
        source: Which columns name the entity and the event.
        rows: What to predict.
        loaded: The model.
        tally: Where given, counts the rows. Its columns are read, too.
        outlook: Where given, counts the predictions.

    Raises:
        DataError: SCHEMA_MISSING, SCHEMA_TYPE; PREDICTION_NONFINITE, at the end.
        DefinitionError: DEFINITION_ESTIMATOR.
    """
    require_features(rows.schema, loaded.columns)
    bad, schema = 0, schema_of(loaded)
    prepared = _prepared(source, rows, loaded, tally)
    with closing(prepared if rows.num_rows <= _FEW else read_ahead(prepared, depth=1)) as batches:
        for batch in batches:
            figures = raw_predictions(loaded.model, batch.frame, task=loaded.task)
            ends = prediction_intervals(loaded.model, batch.frame, figures)
            bad += nonfinite(figures if ends is None else ends)
            arrays = [*batch.keys, pa.array(figures), *(pa.array(end) for end in (() if ends is None else ends.T))]
            predicted = pa.RecordBatch.from_arrays(arrays, schema=schema)
            if outlook:
                outlook.add(predicted)
            yield predicted
    require_finite(loaded.model, bad, rows.num_rows)


def _prepared(source: Relation, rows: Rows, loaded: LoadedModel, tally: Tally | None) -> Generator[_Prepared]:
    counted = tally.edges.reads if tally else ()
    require_columns(counted, rows.schema)
    for batch in rows.batches(tuple(dict.fromkeys((*source.entity, source.event_at, *loaded.columns.read, *counted)))):
        encoded = _encoded(batch, loaded.columns.categorical)
        if tally:
            tally.add(encoded)
        keys = [entity_text(batch, source.entity), batch.column(source.event_at)]
        yield _Prepared(keys, feature_frame(encoded, loaded.columns))


def _encoded(batch: pa.RecordBatch, names: tuple[str, ...]) -> pa.RecordBatch:
    """Return *batch* with the columns *names* as codes, which profile and features both look at."""
    for name in names:
        batch = batch.set_column(batch.schema.get_field_index(name), name, batch.column(name).dictionary_encode())
    return batch
