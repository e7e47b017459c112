"""Boosting that predicts from bins."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from perennial.learning.binned_boosting import BLOCK, LEAST, BinnedBoostingClassifier, BinnedBoostingRegressor

CODES, ROWS = 40, 2000
Floats = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def _matrix(rows: int, seed: int, *, unseen: bool = False) -> Floats:
    """Return two columns of codes and three of figures: common ones, some that repeat, and some beyond all bounds."""
    draw = np.random.default_rng(seed)
    figures = np.stack([draw.normal(size=rows), draw.integers(0, 4, rows), draw.lognormal(sigma=5, size=rows)], axis=1)
    codes = np.stack([np.arange(rows) % CODES, np.arange(rows) % 3], axis=1).astype(np.float64)
    matrix = np.hstack([codes, figures])
    matrix[draw.random(matrix.shape) < 0.1] = np.nan
    if unseen:
        matrix[::7, 4], matrix[3::7, 4] = 1e308, -1e308
    return np.asfortranarray(matrix)


def _labels(matrix: Floats) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    codes = np.nan_to_num(matrix[:, 0])
    return np.sin(codes * 7) + np.nan_to_num(matrix[:, 2]) * (np.nan_to_num(matrix[:, 1]) - 1)


@pytest.mark.parametrize("more", [{}, {"loss": "absolute_error"}, {"max_bins": 41}, {"loss": "quantile", "quantile": 0.2}])
def test_a_figure_is_scikit_learns_to_the_bit(more: dict[str, Any]) -> None:
    """On seen and unseen figures, missing ones, and those beyond the last threshold."""
    train, new = _matrix(ROWS, 1), _matrix(ROWS, 2, unseen=True)
    given: dict[str, Any] = {"categorical_features": [0, 1], "random_state": 0, "early_stopping": False, "max_iter": 30, **more}
    ours = BinnedBoostingRegressor(**given).fit(train, _labels(train))
    theirs = HistGradientBoostingRegressor(**given).fit(train, _labels(train))
    assert theirs.predict(new).tobytes() == ours.predict(new).tobytes()


def test_a_probability_is_scikit_learns_to_the_bit_in_many_blocks_on_many_threads() -> None:
    """Each block is predicted by one thread, whichever is free."""
    train, new = _matrix(ROWS, 3), _matrix(2 * BLOCK + 17, 4, unseen=True)
    given: dict[str, Any] = {"categorical_features": [0, 1], "random_state": 0, "early_stopping": False, "max_iter": 10}
    labels = _labels(train) > 0
    ours = BinnedBoostingClassifier(**given).fit(train, labels)
    theirs = HistGradientBoostingClassifier(**given).fit(train, labels)
    with threadpool_limits(2):
        assert theirs.predict_proba(new).tobytes() == ours.predict_proba(new).tobytes()


def test_early_stopping_sees_the_bins_of_the_fit() -> None:
    """scikit-learn then predicts while it fits, from rows that are binned already."""
    train = _matrix(ROWS, 5)
    given: dict[str, Any] = {
        "categorical_features": [0, 1],
        "random_state": 0,
        "early_stopping": True,
        "scoring": "r2",
        "max_iter": 200,
    }
    ours = BinnedBoostingRegressor(**given).fit(train, _labels(train))
    theirs = HistGradientBoostingRegressor(**given).fit(train, _labels(train))
    assert (theirs.n_iter_, theirs.validation_score_.tolist()) == (ours.n_iter_, ours.validation_score_.tolist())
    assert theirs.predict(train).tobytes() == ours.predict(train).tobytes()


def test_codes_with_a_gap_are_refused() -> None:
    """The bin of a code would be another one's."""
    matrix = np.array([[0.0, 1.0], [2.0, 2.0]] * 30)
    with pytest.raises(ValueError, match=r"^categories must be codes from 0 on that all occur, and the first columns$"):
        BinnedBoostingRegressor(categorical_features=[0]).fit(matrix, matrix[:, 1])


def test_categories_behind_figures_are_refused() -> None:
    """scikit-learn would put them first."""
    matrix = np.array([[0.5, 0.0], [2.5, 1.0]] * 30)
    with pytest.raises(ValueError, match=r"^categories must be codes from 0 on that all occur, and the first columns$"):
        BinnedBoostingRegressor(categorical_features=[1]).fit(matrix, matrix[:, 1])


@pytest.mark.parametrize("width", [4, 6])
def test_a_matrix_of_another_width_is_refused(width: int) -> None:
    """A tree would read beside a row."""
    train = _matrix(ROWS, 6)
    model = BinnedBoostingRegressor(categorical_features=[0, 1], max_iter=2).fit(train, _labels(train))
    with pytest.raises(ValueError, match=r"^the matrix must have as many columns as the fit's$"):
        model.predict(np.zeros((3, width)))


class Noted(BinnedBoostingRegressor):
    """Notes how many rows each block has."""

    blocks: ClassVar[list[int]] = []

    def _add_trees(self, block: Any, raw: Any) -> None:
        self.blocks.append(len(block))
        super()._add_trees(block, raw)


@pytest.mark.parametrize(
    ("rows", "threads", "blocks"),
    [
        (0, 2, [0]),
        (2 * LEAST - 1, 2, [2 * LEAST - 1]),
        (2 * LEAST, 2, [LEAST, LEAST]),
        (2 * LEAST, 1, [2 * LEAST]),
        (BLOCK + 2, 2, [BLOCK // 2 + 1, BLOCK // 2 + 1]),
        (2 * BLOCK + 1, 1, [10923, 10923, 10923]),
        (2 * BLOCK + 4, 2, [BLOCK // 2 + 1] * 4),
    ],
)
def test_blocks_are_of_one_length(monkeypatch: pytest.MonkeyPatch, rows: int, threads: int, blocks: list[int]) -> None:
    """So that all threads end together; few rows stay on one thread."""
    monkeypatch.setattr(Noted, "blocks", [])
    train = _matrix(ROWS, 6)
    model = Noted(categorical_features=[0, 1], random_state=0, early_stopping=False, max_iter=1).fit(train, _labels(train))
    with threadpool_limits(threads, "openmp"):
        assert model.predict(_matrix(rows, 7)).shape == (rows,)
    assert sorted(Noted.blocks) == blocks
