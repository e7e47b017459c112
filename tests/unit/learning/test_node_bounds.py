"""Trees that point outside themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.tree._tree import Tree

from perennial.core.errors import ArtifactError
from perennial.learning.node_bounds import check_node_bounds

DRAW = np.random.default_rng(2)
X = pd.DataFrame(DRAW.normal(size=(200, 3)), columns=["a", "b", "c"])
X["c"] = DRAW.integers(0, 9, 200)
Y = np.where(X["c"] % 3 == 0, 5, 0) + X["a"] * X["b"]


def _refusal(model: BaseEstimator) -> str:
    with pytest.raises(ArtifactError) as caught:
        check_node_bounds(model, "model")
    return str(caught.value)


def _told(fault: str) -> str:
    return f"model: must hold trees that stay inside themselves, got {fault} [MODEL_CORRUPT]"


def _hist() -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(max_iter=3, categorical_features=[2]).fit(X, Y)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeRegressor(),
        DecisionTreeRegressor(max_leaf_nodes=20),
        RandomForestRegressor(3),
        GradientBoostingRegressor(n_estimators=3),
        make_pipeline(StandardScaler(), BaggingRegressor(n_estimators=3, max_features=2)),
        AdaBoostRegressor(n_estimators=3),
        HistGradientBoostingRegressor(max_iter=3, categorical_features=[2]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_scikit_learn_fits_is_fine(model: BaseEstimator) -> None:
    """Depth first, best first, bagged on fewer features, by category."""
    check_node_bounds(model.fit(X, Y), "model")


def _set(nodes: Any, field: str, value: int) -> None:
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    nodes[field][inner[-1]] = value


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda nodes: _set(nodes, "left", nodes.size), "a child outside its {nodes} nodes"),
        (lambda nodes: _set(nodes, "right", 2**32 - 1), "a child outside its {nodes} nodes"),
        (lambda nodes: _set(nodes, "left", 0), "a child that is not behind its parent"),
        (lambda nodes: _set(nodes, "feature_idx", 3), "a split on a feature outside its 3"),
        (lambda nodes: _set(nodes, "feature_idx", -1), "a split on a feature outside its 3"),
    ],
    ids=["left", "right", "cycle", "feature", "negative"],
)
def test_a_node_of_histogram_boosting_that_points_outside_is_refused(change: Callable[[Any], None], fault: str) -> None:
    """Before compiled code follows it."""
    model = _hist()
    nodes = model._predictors[1][0].nodes
    change(nodes)
    assert _refusal(make_pipeline(model)) == _told(fault.format(nodes=nodes.size))


def test_a_set_of_categories_that_does_not_exist_is_refused() -> None:
    """Its index is followed like a child's."""
    model = _hist()
    tree = model._predictors[0][0]
    split = np.flatnonzero((tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] == 1))
    assert split.size
    tree.nodes["bitset_idx"][split[0]] = len(tree.raw_left_cat_bitsets)
    assert _refusal(model) == _told("a set of categories outside its sets")


@pytest.mark.parametrize("sets", ["raw_left_cat_bitsets", "binned_left_cat_bitsets"])
def test_a_table_of_sets_that_is_too_short_is_refused(sets: str) -> None:
    """Of numbers as of bins: a model may predict from either."""
    model = _hist()
    tree = next(tree for (tree,) in model._predictors if len(getattr(tree, sets)))
    setattr(tree, sets, getattr(tree, sets)[:-1])
    assert _refusal(model) == _told("a set of categories outside its sets")


def test_a_split_by_category_on_a_number_is_refused() -> None:
    """There is no set of known categories to look the number up in."""
    model = _hist()
    model._bin_mapper.is_categorical_[:] = 0
    assert _refusal(model) == _told("a split by category on a feature that has none")


def test_nodes_of_another_type_are_refused() -> None:
    """As are none at all."""
    model = _hist()
    model._predictors[0][0].nodes = np.zeros(3)
    assert _refusal(model) == _told("nodes of another type")


def _rebuilt(tree: Tree, features: int, **changed: int) -> Tree:
    """A tree with some fields of its first node replaced, as a forged file would give it."""
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    for field, value in changed.items():
        nodes[field][0] = value
    forged = Tree(features, np.array([1], dtype=np.intp), 1)
    forged.__setstate__({**state, "nodes": nodes})
    return forged


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("left_child", 10**6, "a child outside its {nodes} nodes"),
        ("right_child", -7, "a child outside its {nodes} nodes"),
        ("left_child", 0, "a child that is not behind its parent"),
        ("feature", 3, "a split on a feature outside its 3"),
        ("feature", -5, "a split on a feature outside its 3"),
    ],
)
def test_a_node_of_a_tree_that_points_outside_is_refused(field: str, value: int, fault: str) -> None:
    """In a forest inside a pipeline."""
    forest = RandomForestRegressor(2, random_state=0).fit(X, Y)
    tree = forest.estimators_[1].tree_
    forest.estimators_[1].tree_ = _rebuilt(tree, 3, **{field: value})
    assert _refusal(make_pipeline(forest)) == _told(fault.format(nodes=tree.node_count))


def test_a_tree_that_says_it_has_more_features_than_its_forest_is_refused() -> None:
    """The forest hands its own columns on without another look."""
    forest = RandomForestRegressor(1, random_state=0).fit(X, Y)
    member = forest.estimators_[0]
    member.tree_ = _rebuilt(member.tree_, 100, feature=50)
    member.n_features_in_ = 100
    assert _refusal(forest) == _told("a split on a feature outside its 3")


@pytest.mark.parametrize(("count", "fault"), [(0, "0 nodes in an array of {nodes}"), (1, "a child outside its 1 nodes")])
def test_a_tree_that_counts_fewer_nodes_than_it_has_is_refused(count: int, fault: str) -> None:
    """What lies behind the last node is not part of the tree."""
    model = DecisionTreeRegressor().fit(X, Y)
    tree = model.tree_
    model.tree_ = Tree(3, np.array([1], dtype=np.intp), 1)
    model.tree_.__setstate__({**tree.__getstate__(), "node_count": count})
    assert _refusal(model) == _told(fault.format(nodes=tree.node_count))


def test_boosting_with_more_trees_a_stage_than_figures_is_refused() -> None:
    """Compiled code would write beside its result."""
    model = GradientBoostingRegressor(n_estimators=2).fit(X, Y)
    model.estimators_ = np.hstack([model.estimators_, model.estimators_])
    assert _refusal(model) == _told("more than one tree a stage")


def test_boosting_whose_stages_say_another_number_is_refused() -> None:
    """The table of its results would have no column, or memory for a million of them."""
    for number in (0, 10**6):
        model = GradientBoostingRegressor(n_estimators=2, init="zero").fit(X, Y)
        model.n_trees_per_iteration_ = number
        assert _refusal(model) == _told("more than one tree a stage")
        other = _hist()
        other.n_trees_per_iteration_ = number
        assert _refusal(other) == _told("more than one tree a stage")


@pytest.mark.parametrize("figures", [0, 3])
def test_boosting_whose_start_has_another_shape_is_refused(figures: int) -> None:
    """Its trees add to what a first model predicts, without looking how wide that is."""
    model = GradientBoostingRegressor(n_estimators=2, init=LinearRegression()).fit(X, Y)
    model.init_.coef_ = np.zeros((figures, 3))
    assert _refusal(model) == _told("a start of another shape than its stages")


def test_boosting_that_starts_from_a_model_is_fine() -> None:
    """Also from boosting, which is looked at first."""
    inner = GradientBoostingRegressor(n_estimators=2)
    model = GradientBoostingRegressor(n_estimators=2, init=make_pipeline(StandardScaler(), inner)).fit(X, Y)
    check_node_bounds(model, "model")
    model.init_[-1].n_trees_per_iteration_ = 0
    assert _refusal(model) == _told("more than one tree a stage")


def test_a_forest_of_what_are_no_trees_is_refused() -> None:
    """It hands its members a matrix that they would not look at."""
    forest = RandomForestRegressor(2, random_state=0).fit(X, Y)
    forest.estimators_[1] = make_pipeline(forest.estimators_[1])
    assert _refusal(forest) == _told("members that are no trees")


def test_a_tree_without_figures_is_refused() -> None:
    """Boosting reads one for each node."""
    model = GradientBoostingRegressor(n_estimators=1).fit(X, Y)
    member = model.estimators_[0, 0]
    state = member.tree_.__getstate__()
    forged = Tree(3, np.array([0], dtype=np.intp), 1)
    forged.__setstate__({**state, "values": np.zeros((len(state["nodes"]), 1, 0))})
    member.tree_ = forged
    assert _refusal(model) == _told("nodes without a figure")


@pytest.mark.parametrize("change", ["dropped", "narrowed", "replaced"])
def test_histogram_boosting_whose_own_encoder_yields_fewer_columns_is_refused(change: str) -> None:
    """It hands what that yields to its trees without another look."""
    model = _hist()
    encoder, numbers = model._preprocessor.transformers_[:2]
    if change == "dropped":
        model._preprocessor.transformers_ = [encoder]
    elif change == "narrowed":
        model._preprocessor.transformers_ = [encoder, (*numbers[:2], np.zeros(3, dtype=bool))]
    else:
        model._preprocessor = StandardScaler().fit(X)
    columns = 0 if change == "replaced" else 1
    assert _refusal(model) == _told(f"a split on a feature outside its {columns}")
