"""The 40 expectations of the benchmarks, as Great Expectations names them."""

from __future__ import annotations

from typing import Any

import data

RANGE = 400.0
"""Over twelve standard deviations of the widest column: only spoiled values lie outside."""

CATEGORY = r"^c4-\d{5}$"
FULL, RANGED = (*data.NUMERIC[:10], *data.CATEGORICAL), data.NUMERIC[10:]
SETS = {name: [f"{name}-{value:05d}" for value in range(data.CARDINALITIES[name])] for name in data.CATEGORICAL[:4]}
MATCHED = data.CATEGORICAL[4]


def expectations() -> list[tuple[str, dict[str, Any]]]:
    """Return 15 times not null, 20 ranges, 4 sets of values and one regular expression: name and arguments of each."""
    return [
        *(("expect_column_values_to_not_be_null", {"column": name}) for name in FULL),
        *(("expect_column_values_to_be_between", {"column": name, "min_value": -RANGE, "max_value": RANGE}) for name in RANGED),
        *(("expect_column_values_to_be_in_set", {"column": name, "value_set": values}) for name, values in SETS.items()),
        ("expect_column_values_to_match_regex", {"column": MATCHED, "regex": CATEGORY}),
    ]
