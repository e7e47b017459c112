"""What a version's loss is like on the holdout, learnt where it is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.definition.models import Definition, Task
from perennial.monitoring.loss.curve import curve
from perennial.monitoring.loss.effects import Effects, effects, placed
from perennial.monitoring.loss.losses import LARGEST, LossOutlook, loss_variation, slice_losses
from perennial.monitoring.loss.outlook import PREDICTION
from perennial.steps.arrays import target
from perennial.steps.measuring.loss import loss_of, row_losses
from perennial.steps.scored_nights import night_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perennial.monitoring.counting.edges import ColumnEdges
    from perennial.monitoring.psi import Counts, Floats

SLICE_ROWS = 200
"""A slice with fewer rows in the holdout is not watched, unless the gate of the slices asks for another number."""

EFFECT_ROWS = 10_000

PREDICTED = "(prediction)"
"""What the prediction is called among the columns; no column of a source is called so."""


def loss_outlook(definition: Definition, predictions: Floats, holdout: pa.Table, edges: Sequence[ColumnEdges] = ()) -> LossOutlook:
    """Learn how the watched loss varies, by slice, and with where rows and predictions lie.

    Args:
        definition: The model.
        predictions: Shape (rows,).
        holdout: Shape (rows,), with the label.
        edges: Over which nights are counted: of the columns, and of ``prediction``.
    """
    name, actual = loss_of(definition).name, target(holdout, definition)
    losses, nights = row_losses(name, actual, predictions), night_numbers(definition, holdout)
    if not (losses <= LARGEST).all():
        return LossOutlook(loss=name, variation=None)
    of_class = definition.estimator.task is Task.BINARY
    gate = definition.evaluation.gates.slices
    return LossOutlook(
        loss=name,
        variation=loss_variation(losses, nights),
        curve=curve(predictions, actual, nights) if of_class else None,
        effects=None if of_class else _effects(definition, losses, nights, predictions, holdout, edges),
        slices=slice_losses(
            losses,
            nights,
            {column: slice_texts(holdout.column(column)) for column in definition.evaluation.slices},
            minimum_rows=gate.minimum_rows if gate else SLICE_ROWS,
        ),
    )


def _effects(
    definition: Definition,
    losses: Floats,
    nights: Counts,
    predictions: Floats,
    holdout: pa.Table,
    edges: Sequence[ColumnEdges],
) -> Effects | None:
    """Learn from at most ``EFFECT_ROWS`` rows: more would take time, and tell no more."""
    step = -(-predictions.size // EFFECT_ROWS)
    part = holdout.take(pa.array(np.arange(0, holdout.num_rows, step)))
    columns = {
        each.name: placed(each, part.column(each.column))
        for each in edges
        if each.measure is None and each.column in definition.features.columns
    }
    of_prediction = next((each for each in edges if each.column == PREDICTION and each.name not in columns), None)
    if of_prediction is not None:
        columns[PREDICTED] = placed(of_prediction, pa.array(predictions[::step]))
    return effects(losses[::step], nights[::step], columns)


def slice_texts(column: pa.Array | pa.ChunkedArray) -> list[str]:
    """Return the values of a slicing column as texts, of which a missing one is called so."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = pc.dictionary_encode(whole, null_encoding="encode")
    texts = ["missing" if value is None else str(value) for value in encoded.dictionary.to_pylist()]
    return [texts[index] for index in encoded.indices.to_pylist()]
