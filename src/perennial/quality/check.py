"""Checking rows: every expectation in one pass over record batches, and further passes only for what one cannot answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perennial.quality.asked import ask
from perennial.quality.findings import Checked, conclude
from perennial.quality.rows import Rows
from perennial.quality.scan import Elsewhere, Tally, scan

Expected = tuple[str, Mapping[str, object]]
"""An expectation's name and its arguments, without faults as :func:`perennial.quality.catalog.faults` finds them."""


def check(
    rows: Rows, expectations: Sequence[Expected], *, beside: Sequence[Tally] = (), elsewhere: Elsewhere | None = None
) -> Checked:
    """Check *rows* against *expectations*, with the results that Great Expectations has on pandas.

    A missing value (null or NaN) is neither outside a range nor foreign to a set; whether it may be missing is an expectation of
    its own. A row that does not meet an expectation is refused, even where ``mostly`` tolerates it and the finding is a success.
    Rows of which there are none meet nothing here (Great Expectations itself lets them pass); whether that is a fault of its own
    is the caller's to say, and so is what no expectation at all means.

    Memory does not grow with the number of rows, but for one bit per refused row and reason.

    Args:
        rows: Any columns.
        expectations: Of the catalogue, without faults.
        beside: Who else wants to see the rows in the same pass.
        elsewhere: Shows the same rows piece by piece; None where they are shown here.

    Returns:
        A finding per expectation, the refused rows with their reasons, and what failed as a whole.

    Examples:
        >>> import pyarrow as pa
        >>> from perennial.quality.rows import TableRows
        >>> rows = TableRows(pa.table({"temperature": [12.5, -200.0]}))
        >>> limits = {"column": "temperature", "min_value": -30, "max_value": 45}
        >>> checked = check(rows, [("expect_column_values_to_be_between", limits)])
        >>> checked.findings[0].sentence
        'temperature: 1 of 2 rows is outside -30 .. 45'
        >>> checked.refused.reasons(0, 2).to_pylist()
        [['temperature is outside -30 .. 45']]
    """
    asked = [ask(rows, type_, arguments) for type_, arguments in expectations]
    scan(rows, [*(one for one in asked if one.looks), *beside], elsewhere)
    return conclude([one.outcome() for one in asked], rows.num_rows)
