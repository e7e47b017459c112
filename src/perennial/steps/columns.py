"""Which columns a definition reads, and how an entity is written as one text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from perennial.core.digest import canonical_json
from perennial.definition.models import Definition
from perennial.learning.features import Columns
from perennial.quality import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable


def row_columns(definition: Definition) -> tuple[str, ...]:
    """Return the source's columns in the order in which a snapshot holds them, each once."""
    source = definition.source
    checked = (name for item in definition.expectations for name in catalog.columns(item.type, item.arguments))
    available = (source.available_at,) if source.available_at else ()
    wanted = (*source.entity, source.event_at, *available, *definition.features.columns, *definition.evaluation.slices, *checked)
    return _once(name for name in wanted if name != definition.label.column)


def label_columns(definition: Definition) -> tuple[str, ...]:
    """Return the label relation's columns: entity, event_at, the label, available_at where there is one."""
    labels = definition.labels
    available = (labels.available_at,) if labels.available_at else ()
    return _once((*labels.entity, labels.event_at, definition.label.column, *available))


def feature_columns(definition: Definition) -> Columns:
    """Return what the estimator sees, as the learning floor wants it."""
    features = definition.features
    return Columns(
        numeric=features.numeric,
        categorical=features.categorical,
        time=features.time,
        event_at=definition.source.event_at,
        timezone=definition.schedule.timezone,
    )


def entity_text(rows: pa.Table, entity: tuple[str, ...]) -> pa.Array:
    """Return each row's entity as text: the value itself, or a JSON list where several columns name it.

    Shape (rows,), string.
    """
    if len(entity) == 1:
        return rows.column(entity[0]).cast(pa.string()).combine_chunks()
    values = zip(*(rows.column(name).cast(pa.string()).to_pylist() for name in entity), strict=True)
    return pa.array([canonical_json(list(value)).decode() for value in values], pa.string())


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
