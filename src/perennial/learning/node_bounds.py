"""Whether every tree of a model stays inside itself.

Compiled code follows the indices in a tree's nodes without looking at them: one that points outside ends the process, one that
points back runs forever. skops loads both. Here every child lies behind its parent and inside the array, every feature exists, and
every set of categories too. What is handed to the trees has the columns that they split on, and what they add to has a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import Tree

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.learning.object_graph import estimators_in, parts_of

_LEAF = -1
_BITSET_WORDS = 8
_HANDS_ITS_INPUT_TO_TREES = (BaseForest, BaseGradientBoosting, BaseHistGradientBoosting, BaseDecisionTree)

Ints = npt.NDArray[np.integer[Any]]


def check_node_bounds(model: BaseEstimator, where: str) -> None:
    """Look at every tree in *model*.

    Raises:
        ArtifactError: MODEL_CORRUPT, the first tree that is wrong.
    """
    owners_of_trees: dict[int, BaseEstimator] = {}
    for tree, owners in _trees(model):
        owners_of_trees |= {id(owner): owner for owner in owners}
        fault = _predictor_fault(tree, owners) if isinstance(tree, TreePredictor) else _tree_fault(tree, owners)
        if fault:
            raise _corrupt(fault, where)
    for owner in owners_of_trees.values():
        if fault := _members_fault(owner):
            raise _corrupt(fault, where)


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
        if isinstance(part, _HANDS_ITS_INPUT_TO_TREES) and not any(owner is part for owner in owners):
            owners = (*owners, part)
        elif isinstance(part, BaseEstimator):
            owners = ()
        ahead.extend((child, owners) for child in parts_of(part))


def _features(owners: tuple[BaseEstimator, ...]) -> int:
    """Return how many columns a tree gets: an owner refuses a matrix of others than it says."""
    return min((_columns_of(owner) for owner in owners), default=0)


def _columns_of(owner: BaseEstimator) -> int:
    columns = getattr(owner, "n_features_in_", 0)
    if not isinstance(columns, int | np.integer):
        return 0
    before = getattr(owner, "_preprocessor", None) if isinstance(owner, BaseHistGradientBoosting) else None
    return int(columns) if before is None else min(int(columns), _columns_after(before))


def _columns_after(preprocessor: Any) -> int:  # noqa: ANN401 - what a file says it is
    """Return how many columns histogram boosting's own preprocessor yields: one for each that one of its parts takes."""
    if type(preprocessor) is not ColumnTransformer:
        return 0
    parts = [(part, taken) for _, part, taken in preprocessor.transformers_ if part != "drop"]
    if any(type(part) not in {OrdinalEncoder, FunctionTransformer} for part, _ in parts):
        return 0
    return sum(int(np.count_nonzero(taken)) for _, taken in parts if np.asarray(taken).dtype == np.bool_)


def _members_fault(owner: BaseEstimator) -> str:
    """Return what is wrong with what holds trees and hands them what they do not look at."""
    if isinstance(owner, BaseHistGradientBoosting):
        right = owner.n_trees_per_iteration_ == 1 and np.shape(owner._baseline_prediction) == (1, 1)  # noqa: SLF001 - as its predict() does
        return "" if right else "more than one tree a stage"
    if not isinstance(owner, BaseForest | BaseGradientBoosting):
        return ""
    members = np.asarray(owner.estimators_, dtype=object)
    if not members.size or not all(isinstance(member, BaseDecisionTree) for member in members.flat):
        return "members that are no trees"
    return _stages_fault(owner, members.shape) if isinstance(owner, BaseGradientBoosting) else ""


def _stages_fault(owner: BaseGradientBoosting, shape: tuple[int, ...]) -> str:
    """Return what is wrong with the stages of gradient boosting: a figure and a class of two need one tree each.

    What the trees add to is what a first model predicts, which may hold gradient boosting of its own.
    """
    if len(shape) != 2 or shape[1] != 1 or owner.n_trees_per_iteration_ != 1:  # noqa: PLR2004 - a table
        return "more than one tree a stage"
    if fault := next(filter(None, map(_members_fault, estimators_in(owner.init_))), ""):
        return fault
    start = owner._raw_predict_init(np.zeros((2, _columns_of(owner)), dtype=np.float32))  # noqa: SLF001 - compiled code adds to it
    return "" if start.shape == (2, 1) else "a start of another shape than its stages"


def _tree_fault(tree: Tree, owners: tuple[BaseEstimator, ...]) -> str:
    if not 0 < tree.node_count <= tree.capacity:
        return f"{tree.node_count} nodes in an array of {tree.capacity}"
    if tree.n_outputs != 1 or tree.max_n_classes < 1:
        return "nodes without a figure"
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


def _corrupt(fault: str, where: str) -> ArtifactError:
    return ArtifactError(Code.MODEL_CORRUPT, f"must hold trees that stay inside themselves, got {fault}", where=where)


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
