"""A column of a limited number of values, as pandas' category type over text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def categories(column: pa.Array | pa.ChunkedArray) -> pd.Series[pd.CategoricalDtype]:
    """Return the values of *column*, shape (rows,); its categories are the texts that occur, sorted.

    Each different value is written as text once, whatever the number of rows.
    """
    coded = _coded(column)
    texts = coded.dictionary.cast(pa.string())
    order = pc.array_sort_indices(texts, null_placement="at_end").to_numpy()
    codes = coded.indices.fill_null(len(texts)).to_numpy()
    occurs = np.append(np.bincount(codes, minlength=len(texts) + 1)[: len(texts)] > 0, False)
    known = order[occurs[order] & texts.is_valid().to_numpy(zero_copy_only=False)[order]]
    places: npt.NDArray[np.int32] = np.full(len(texts) + 1, -1, dtype=np.int32)
    places[known] = np.arange(known.size)
    kind = pd.CategoricalDtype(pd.Index(texts.take(pa.array(known)).to_pylist(), dtype="str"))
    return pd.Series(pd.Categorical.from_codes(places[codes], dtype=kind, validate=False))


def _coded(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """Return *column* as codes and the values that they stand for."""
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks() if pa.types.is_dictionary(column.type) else column.combine_chunks()
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
