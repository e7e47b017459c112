"""How many threads numerics may use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it has no types

_WORTH_IT = 500_000
"""The cells from which on OpenMP's threads bring more than they cost by waiting for each other."""


@contextmanager
def steady_threads(cells: int) -> Iterator[None]:
    """Run linear algebra on one thread, since its sums depend on how many there are.

    OpenMP loops (histogram gradient boosting) give the same result on any number. They keep all threads where there is enough to
    do, and one below half a million *cells*, where waiting for each other costs more than it brings.

    Args:
        cells: Rows times columns.
    """
    openmp = 1 if cells < _WORTH_IT else None
    with _pools(len(sys.modules)).limit(limits={"blas": 1, "openmp": openmp}):
        yield


@lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:  # noqa: ARG001 - a library comes with a module, so more of these are looked at anew
    """Return the loaded libraries that have threads. Looking for them takes as long as predicting a hundred rows."""
    return ThreadpoolController()
