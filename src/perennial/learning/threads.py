"""How many threads numerics may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

_WORTH_IT = 1_000_000


@contextmanager
def steady_threads(cells: int) -> Iterator[None]:
    """Run linear algebra on one thread, since its sums depend on how many there are.

    OpenMP loops (histogram gradient boosting) give the same result on any number. They keep all threads where there is enough to
    do, and one below a million *cells*, where waiting for each other costs more than it brings.

    Args:
        cells: Rows times columns.
    """
    openmp = 1 if cells < _WORTH_IT else None
    with threadpool_limits(limits={"blas": 1, "openmp": openmp}):
        yield
