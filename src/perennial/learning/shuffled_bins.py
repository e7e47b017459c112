"""What boosted trees add up to when the bins of one column are shuffled among the rows, for every column.

A row leaves a tree by the same leaf as before unless its new bin goes the other way at one of the splits that it passed. So each
tree is asked again only for these: with 31 leaves and 35 columns, for 6 of 100 rows.
What the trees give is added up in their order, so that each figure is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

Floats = npt.NDArray[np.float64]
Bins = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_VALUES = 256
"""Different bins that a byte can name."""

_AT_ONCE = 500_000
"""The most figures that a thread tells at once: rows, times shuffles, times columns."""

_LARGEST = 1 << 24
"""The most answers, of nodes, columns and bins, that are kept of a tree."""


def shuffled_sums(
    trees: Sequence[TreePredictor], bins: Bins, orders: Places, *, start: float, missing: int, threads: int
) -> Floats:
    """Return what *trees* add up to for each column that is shuffled, each shuffle and each row.

    Args:
        trees: In the order in which they are added. Every child lies behind its parent.
        bins: Shape (rows, columns), the rows as they are.
        orders: Shape (times, rows): whose bin each row gets.
        start: What the trees are added to.
        missing: The bin of what is missing.
        threads: How many share the work.

    Returns:
        Shape (columns, times, rows).
    """
    rows = np.ascontiguousarray(bins)
    sums = np.empty((bins.shape[1], *orders.shape))

    def add(part: slice) -> None:
        shuffled = np.ascontiguousarray(np.moveaxis(rows[orders[:, part]], 0, 2).swapaxes(0, 1))
        sums[:, :, part] = _added(trees, rows[part], shuffled, start, missing).swapaxes(1, 2)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(add, _parts(orders.shape[1], _AT_ONCE // (bins.shape[1] * len(orders)), threads)):
            pass
    return sums


def _parts(rows: int, most: int, threads: int) -> Iterator[slice]:
    step = max(min(most, -(-rows // threads)), 1)
    return (slice(begin, min(begin + step, rows)) for begin in range(0, rows, step))


def _added(trees: Sequence[TreePredictor], rows: Bins, shuffled: Bins, start: float, missing: int) -> Floats:
    """Return the sums of a part of the rows; *shuffled* has the shape (columns, rows, times)."""
    sums = np.full(shuffled.shape, start)
    flat = sums.reshape(-1)
    for tree in trees:
        place, changed = _changed(tree, rows, shuffled, missing)
        other = flat[place] + tree.predict_binned(changed, missing, 1)
        sums += tree.predict_binned(rows, missing, 1)[:, np.newaxis]
        flat[place] = other
    return sums


def _changed(tree: TreePredictor, rows: Bins, shuffled: Bins, missing: int) -> tuple[Places, Bins]:
    """Return the places in *shuffled* that may leave the tree by another leaf, and the rows that stand there."""
    columns, stays = _staying(tree, missing)
    leaf = _leaves(tree, rows, missing)
    row, among = np.nonzero(np.asarray(~stays.all(axis=2))[leaf])
    column, (_, count, times) = columns[among], shuffled.shape
    pair = column * count + row
    new = shuffled.reshape(-1, times).take(pair, axis=0)
    first, values = (leaf[row] * columns.size + among) * stays.shape[2], stays.shape[2]
    moved = np.flatnonzero(~stays.reshape(-1).take(first[:, np.newaxis] + np.minimum(new, values - 1)))
    of_pair, time = np.divmod(moved, times)
    changed = rows.take(row[of_pair], axis=0)
    changed[np.arange(moved.size), column[of_pair]] = new.reshape(-1)[moved]
    return pair[of_pair] * times + time, changed


def _leaves(tree: TreePredictor, rows: Bins, missing: int) -> Places:
    """Return the node at which each row ends, shape (rows,)."""
    nodes = tree.nodes.copy()
    nodes["value"] = np.arange(nodes.size)
    numbered = TreePredictor(nodes, tree.binned_left_cat_bitsets, tree.raw_left_cat_bitsets)
    return np.asarray(numbered.predict_binned(rows, missing, 1), dtype=np.int64)


def _staying(tree: TreePredictor, missing: int) -> tuple[Places, Flags]:
    """Return the columns that *tree* splits on, and by node, column and bin whether a row that ends there would still end there.

    Where there are too many of these, there is one answer for all bins: whether no split on the way there looks at the column.
    """
    nodes = tree.nodes
    columns, among = np.unique(nodes["feature_idx"], return_inverse=True)
    whole = nodes.size * columns.size * _VALUES <= _LARGEST
    stays = np.ones((nodes.size, columns.size, _VALUES if whole else 1), dtype=bool)
    level = np.zeros(1, dtype=np.int64)
    while (level := level[nodes["is_leaf"][level] == 0]).size:
        left = _to_the_left(tree, level, missing)
        for side, way in (("left", left), ("right", ~left)):
            child = nodes[side][level]
            stays[child] = stays[level]
            stays[child, among[level]] &= way if whole else False
        level = np.unique([nodes["left"][level], nodes["right"][level]])
    return columns, stays


def _to_the_left(tree: TreePredictor, splits: Places, missing: int) -> Flags:
    """Return which bins go to the left at each of the nodes *splits*, shape (splits, bins)."""
    nodes = tree.nodes[splits]
    left: Flags = np.arange(_VALUES) <= nodes["bin_threshold"][:, np.newaxis]
    by_set = nodes["is_categorical"] != 0
    sets = np.ascontiguousarray(tree.binned_left_cat_bitsets[nodes["bitset_idx"][by_set]]).astype("<u4")
    left[by_set] = np.unpackbits(sets.view(np.uint8), axis=1, bitorder="little")
    left[:, missing] = nodes["missing_go_to_left"] != 0
    return left
