"""Everything that a fitted model is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator


def parts_of(whole: Any) -> Iterator[Any]:  # noqa: ANN401 - a model is made of anything
    """Yield what *whole* holds directly: items, values, elements of an object array, attributes."""
    if isinstance(whole, dict):
        yield from whole.values()
    elif isinstance(whole, list | tuple | set | frozenset):
        yield from whole
    elif isinstance(whole, np.ndarray):
        yield from whole.flat if whole.dtype.hasobject else ()
    elif not isinstance(whole, type):
        yield from getattr(whole, "__dict__", {}).values()


def estimators_in(model: Any) -> Iterator[BaseEstimator]:  # noqa: ANN401 - a model is made of anything
    """Yield every estimator inside *model*, itself included, each once."""
    for part in everything_in(model):
        if isinstance(part, BaseEstimator) and not isinstance(part, type):
            yield part


def everything_in(model: Any) -> Iterator[Any]:  # noqa: ANN401 - a model is made of anything
    """Yield everything inside *model*, itself included, each once."""
    seen: dict[int, Any] = {}
    ahead = [model]
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        yield part
        ahead.extend(parts_of(part))
