"""Whether the codes of a one-hot encoder stay inside the columns that it counts.

scipy writes a matrix of indicators without looking at its indices: a code behind the last column is written behind the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import OneHotEncoder


def encoder_fault(encoder: OneHotEncoder) -> str:
    """Return what is wrong with a fitted *encoder*, or an empty text; also where it is not fitted."""
    if not hasattr(encoder, "categories_"):
        return ""
    sizes = [len(known) for known in encoder.categories_]
    groups = _mappings(encoder, len(sizes))
    drops = [None] * len(sizes) if encoder._drop_idx_after_grouping is None else list(encoder._drop_idx_after_grouping)  # noqa: SLF001 - what its transform() reads
    if not len(drops) == len(groups) == len(sizes) or not all(_ascends(known) for known in encoder.categories_):
        return "categories that are out of order"
    columns = []
    for size, group, drop in zip(sizes, groups, drops, strict=True):
        codes = np.arange(size) if group is None else np.asarray(group)
        if codes.shape != (size,) or codes.dtype.kind != "i" or not size or codes.min() < 0:
            return "a category with a code outside its columns"
        columns.append(int(codes.max()) + 1 - (drop is not None))
        if drop is not None and not 0 <= int(drop) <= columns[-1]:
            return "a dropped category that does not exist"
    outs: Sequence[Any] = encoder._n_features_outs  # noqa: SLF001 - what its transform() reads
    return "" if list(outs) == columns else "another number of columns than of codes"


def _mappings(encoder: OneHotEncoder, columns: int) -> list[npt.ArrayLike | None]:
    """Return for each column the codes of its categories where rare ones share one, else None."""
    if not encoder._infrequent_enabled:  # noqa: SLF001 - what its transform() reads
        return [None] * columns
    rare = encoder._infrequent_indices  # noqa: SLF001 - what its transform() reads
    found = list(encoder._default_to_infrequent_mappings)  # noqa: SLF001 - what its transform() reads
    sizes = [len(known) for known in encoder.categories_]
    if any(one is not None and not 0 <= int(one[0]) < size for one, size in zip(rare, sizes, strict=True)):
        return []
    return found


def _ascends(known: npt.NDArray[Any]) -> bool:
    """Return whether numbers ascend, so that a binary search finds each; texts are looked up in a table."""
    if known.dtype.kind not in "biuf":
        return known.ndim == 1 and known.dtype.kind in "OUS"
    numbers = known[~np.isnan(known)] if known.dtype.kind == "f" else known
    return known.ndim == 1 and bool((known[: len(numbers)] == numbers).all() and (numbers[:-1] < numbers[1:]).all())
