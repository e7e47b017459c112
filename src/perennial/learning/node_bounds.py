"""Whether every tree of a model stays inside itself.

Compiled code follows the indices in a tree's nodes without looking at them: one that points outside ends the process, one that
points back runs forever. skops loads both. Here every child lies behind its parent and inside the array, every feature exists, and
every set of categories too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.learning.object_graph import parts_of

_LEAF = -1
_BITSET_WORDS = 8
_HANDS_ITS_INPUT_TO_TREES = (BaseForest, BaseGradientBoosting, BaseHistGradientBoosting, BaseDecisionTree)

Ints = npt.NDArray[np.integer[Any]]


def check_node_bounds(model: BaseEstimator, where: str) -> None:
    """Look at every tree in *model*.

    Raises:
        ArtifactError: MODEL_CORRUPT, the first tree that is wrong.
    """
    for tree, owners in _trees(model):
        fault = _stages_fault(owners) or (
            _predictor_fault(tree, owners) if isinstance(tree, TreePredictor) else _tree_fault(tree, owners)
        )
        if fault:
            raise ArtifactError(Code.MODEL_CORRUPT, f"must hold trees that stay inside themselves, got {fault}", where=where)


def _trees(model: BaseEstimator) -> Iterator[tuple[Any, tuple[BaseEstimator, ...]]]:
    """Yield every tree with the estimators that hand it the columns they were given, outermost first."""
    ahead: list[tuple[Any, tuple[BaseEstimator, ...]]] = [(model, ())]
    seen: dict[tuple[int, ...], Any] = {}
    while ahead:
        part, owners = ahead.pop()
        if isinstance(part, Tree | TreePredictor):
            yield part, owners
            continue
        key = (id(part), *map(id, owners))
        if key in seen:
            continue
        seen[key] = part
        if isinstance(part, _HANDS_ITS_INPUT_TO_TREES):
            owners = (*owners, part)
        elif isinstance(part, BaseEstimator):
            owners = ()
        ahead.extend((child, owners) for child in parts_of(part))


def _features(owners: tuple[BaseEstimator, ...]) -> int:
    return min((int(getattr(owner, "n_features_in_", 0)) for owner in owners), default=0)


def _stages_fault(owners: tuple[BaseEstimator, ...]) -> str:
    """Return what is wrong with the stages of gradient boosting: a figure and a class of two need one tree each."""
    stages = [np.shape(owner.estimators_) for owner in owners if isinstance(owner, BaseGradientBoosting)]
    return "" if all(len(shape) == 2 and shape[1] == 1 for shape in stages) else "more than one tree a stage"  # noqa: PLR2004 - a table


def _tree_fault(tree: Tree, owners: tuple[BaseEstimator, ...]) -> str:
    if not 0 < tree.node_count <= tree.capacity:
        return f"{tree.node_count} nodes in an array of {tree.capacity}"
    left, right = tree.children_left, tree.children_right
    inner = left != _LEAF
    if (right[~inner] != _LEAF).any():
        return "a node with one child"
    bound = min(_features(owners), int(tree.n_features))
    return _fault(left, right, tree.feature, inner, bound)


def _predictor_fault(tree: TreePredictor, owners: tuple[BaseEstimator, ...]) -> str:
    nodes = tree.nodes
    if nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or not nodes.size:
        return "nodes of another type"
    inner = nodes["is_leaf"] == 0
    fault = _fault(nodes["left"], nodes["right"], nodes["feature_idx"], inner, _features(owners))
    return fault or _category_fault(tree, nodes[inner & (nodes["is_categorical"] != 0)], owners)


def _fault(left: Ints, right: Ints, feature: Ints, inner: npt.NDArray[np.bool_], features: int) -> str:
    at = np.flatnonzero(inner)
    for child in (left[inner].astype(np.int64), right[inner].astype(np.int64)):
        if (child >= inner.size).any() or (child < 0).any():
            return f"a child outside its {inner.size} nodes"
        if (child <= at).any():
            return "a child that is not behind its parent"
    used = feature[inner]
    if used.size and (used.min() < 0 or used.max() >= features):
        return f"a split on a feature outside its {features}"
    return ""


def _category_fault(tree: TreePredictor, splits: npt.NDArray[Any], owners: tuple[BaseEstimator, ...]) -> str:
    if not splits.size:
        return ""
    for sets in (tree.raw_left_cat_bitsets, tree.binned_left_cat_bitsets):
        if sets.ndim != 2 or sets.shape[1] != _BITSET_WORDS or splits["bitset_idx"].max() >= sets.shape[0]:  # noqa: PLR2004 - rows, words
            return "a set of categories outside its sets"
    categorical = np.asarray(owners[-1]._bin_mapper.is_categorical_)  # noqa: SLF001 - what its predict() indexes by
    if categorical.shape != (_features(owners),) or not categorical[splits["feature_idx"]].all():
        return "a split by category on a feature that has none"
    return ""
