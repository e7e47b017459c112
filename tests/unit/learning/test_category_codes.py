"""Categories to codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from perennial.learning.category_codes import CategoryCodes

NAN = float("nan")


def _frame(values: list[str | None], figures: list[float] | None = None) -> pd.DataFrame:
    frame: dict[str, Any] = {"c": pd.Series(values, dtype="category")}
    return pd.DataFrame({"f": figures, **frame} if figures else frame)


def _codes(model: CategoryCodes, values: list[str | None]) -> list[float | None]:
    found = model.transform(_frame(values))[:, 0]
    return [None if np.isnan(one) else float(one) for one in found]


def test_known_values_are_numbered_in_their_order_and_anything_else_is_missing() -> None:
    """A new value and no value are the same to the trees."""
    model = CategoryCodes(["c"]).fit(_frame(["b", "a", "c", None]))
    assert _codes(model, ["c", "new", None, "a", "b"]) == [2.0, None, None, 0.0, 1.0]


def test_rarer_values_share_the_last_code() -> None:
    """With three codes, the two most frequent values have their own."""
    model = CategoryCodes(["c"], most=3).fit(_frame(["d", "c", "c", "a", "b", "b", "b"]))
    assert _codes(model, ["a", "b", "c", "d", "e"]) == [2.0, 0.0, 1.0, 2.0, None]


def test_as_many_values_as_codes_share_none() -> None:
    """The last code is then a value's own."""
    model = CategoryCodes(["c"], most=3).fit(_frame(["a", "b", "c"]))
    assert _codes(model, ["a", "b", "c"]) == [0.0, 1.0, 2.0]


def test_a_value_that_no_row_has_is_not_learnt() -> None:
    """Pandas keeps the categories of rows that were left out; each code must occur."""
    model = CategoryCodes(["c"]).fit(_frame(["a", "b", "c"]).iloc[1:])
    assert _codes(model, ["a", "b", "c"]) == [None, 0.0, 1.0]


def test_categories_come_first_and_columns_lie_in_one_run() -> None:
    """The order of the estimators' features, and the layout in which trees are fastest."""
    model = CategoryCodes(["c"], ["f"]).fit(_frame(["a", "b"], [1.5, NAN]))
    found = model.transform(_frame(["b", None], [2.5, 3.5]))
    np.testing.assert_array_equal(np.array([[1.0, 2.5], [NAN, 3.5]]), found)
    assert found.flags["F_CONTIGUOUS"]


def test_no_column_and_no_row_are_fine() -> None:
    """A column without any value has no code."""
    assert CategoryCodes().fit(_frame(["a"])).transform(_frame(["a"])).shape == (1, 0)
    assert _codes(CategoryCodes(["c"]).fit(_frame([None, None])), ["a", None]) == [None, None]
    assert CategoryCodes(["c"]).fit(_frame(["a"])).transform(_frame(["a"]).iloc[:0]).shape == (0, 1)


def test_it_can_be_cloned() -> None:
    """As every part of an estimator."""
    assert clone(CategoryCodes(["c"], ["f"], 7)).get_params() == {"categorical": ["c"], "figures": ["f"], "most": 7}
