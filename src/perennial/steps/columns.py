"""Which columns a definition reads, and how an entity is written as one text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from perennial.core.digest import canonical_json
from perennial.definition.models import Definition, WatchedKind
from perennial.learning.features import Columns
from perennial.quality import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

_ESCAPED = r'["\\\x00-\x1f]'
"""What JSON does not write as it is."""


def row_columns(definition: Definition) -> tuple[str, ...]:
    """Return the source's columns in the order in which a snapshot holds them, each once."""
    source = definition.source
    checked = (name for item in definition.expectations for name in catalog.columns(item.type, item.arguments))
    available = (source.available_at,) if source.available_at else ()
    features, watched = definition.features.columns, definition.monitoring.columns
    key = (*source.entity, source.event_at, *available, *_segment(definition))
    wanted = (*key, *features, *definition.evaluation.slices, *checked, *watched)
    return _once(name for name in wanted if name != definition.label.column)


def number_columns(definition: Definition) -> tuple[str, ...]:
    """Return the source's columns that must be numbers, each once."""
    watched = (name for name, kind in definition.monitoring.columns.items() if kind is WatchedKind.NUMERIC)
    return _once((*definition.features.numeric, *watched))


def label_columns(definition: Definition) -> tuple[str, ...]:
    """Return the label relation's columns: entity, event_at, the label, available_at and the segment's where there is one."""
    labels = definition.labels
    available = (labels.available_at,) if labels.available_at else ()
    return _once((*labels.entity, labels.event_at, definition.label.column, *available, *_segment(definition)))


def _segment(definition: Definition) -> tuple[str, ...]:
    return (definition.segments.column,) if definition.segments else ()


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


def entity_text(rows: pa.Table | pa.RecordBatch, entity: tuple[str, ...]) -> pa.Array:
    """Return each row's entity as text: the value itself, or a JSON list where several columns name it.

    Shape (rows,), string. The list is written as :func:`perennial.core.digest.canonical_json` writes it.
    """
    texts = [_whole(rows.column(name).cast(pa.string())) for name in entity]
    if len(texts) == 1:
        return texts[0]
    quoted = [_quoted(text) for text in texts]
    listed = pc.binary_join_element_wise(*quoted, ",", null_handling="replace", null_replacement="null")
    return pc.binary_join_element_wise("[", listed, "]", "")


def _quoted(texts: pa.Array) -> pa.Array:
    """Return *texts* as JSON strings; nulls stay null. Only the few that need an escape are written one by one."""
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    special = pc.fill_null(pc.match_substring_regex(texts, _ESCAPED), fill_value=False)
    escaped = texts.filter(special)
    if len(escaped) == 0:
        return quoted
    distinct = escaped.dictionary_encode()
    written = pa.array([canonical_json(text).decode() for text in distinct.dictionary.to_pylist()], pa.string())
    return pc.replace_with_mask(quoted, special, written.take(distinct.indices))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
