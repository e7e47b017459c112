"""What may be learnt from: the labels of a training run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perennial.core.codes import Code
from perennial.core.errors import DataError

MIN_ROWS = 10
"""Fewer rows than this are no training set."""

_TWO = 2


def checked_target(target: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return *target* as float64, shape (rows,).

    Raises:
        DataError: DATA_EMPTY, DATA_NONFINITE.
    """
    labels = np.asarray(target, dtype=np.float64).reshape(-1)
    if not labels.size:
        raise DataError(Code.DATA_EMPTY, "must have labels, got none", where="target")
    if bad := int(np.count_nonzero(~np.isfinite(labels))):
        raise DataError(Code.DATA_NONFINITE, f"must be finite, got {bad} of {labels.size} rows that are not", where="target")
    return labels


def trainable_target(target: npt.ArrayLike, task: str) -> npt.NDArray[np.float64] | npt.NDArray[np.int64]:
    """Return *target* as what an estimator is fitted to: float64, or int64 of 0 and 1 for a class.

    Raises:
        DataError: DATA_EMPTY, DATA_NONFINITE; TRAIN_DEGENERATE, there is nothing to learn; SCHEMA_TYPE, a class is neither 0 nor 1.
    """
    labels = checked_target(target)
    if labels.size < MIN_ROWS:
        raise _degenerate(f"must have at least {MIN_ROWS} rows, got {labels.size}")
    distinct = np.unique(labels)
    if task == "binary" and not np.isin(distinct, (0.0, 1.0)).all():
        raise DataError(Code.SCHEMA_TYPE, "must be 0 or 1 for the task binary, got other values", where="target")
    if distinct.size < _TWO:
        raise _degenerate(f"must have two classes, got one in {labels.size} rows" if task == "binary" else _constant(labels.size))
    return labels.astype(np.int64) if task == "binary" else labels


def _constant(rows: int) -> str:
    return f"must vary, got the same value in {rows} rows"


def _degenerate(message: str) -> DataError:
    return DataError(Code.TRAIN_DEGENERATE, message, where="target")
