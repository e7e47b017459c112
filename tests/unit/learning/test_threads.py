"""How many threads numerics may use."""

from __future__ import annotations

import pytest
import sklearn.ensemble._hist_gradient_boosting.utils  # noqa: F401 - brings OpenMP with it
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]  # it has no types

from perennial.learning.threads import steady_threads


def _threads(kind: str) -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == kind}


@pytest.mark.parametrize(("cells", "threads"), [(499_999, 1), (500_000, 2)])
def test_loops_of_openmp_keep_their_threads_where_there_is_enough_to_do(cells: int, threads: int) -> None:
    """Afterwards they have as many as before."""
    with threadpool_limits(2, "openmp"):
        with steady_threads(cells):
            assert _threads("openmp") == {threads}
        assert _threads("openmp") == {2}


def test_linear_algebra_has_one_thread() -> None:
    """However much there is to do."""
    with threadpool_limits(2, "blas"), steady_threads(10**9):
        assert _threads("blas") == {1}
