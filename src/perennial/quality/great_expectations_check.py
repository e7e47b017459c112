"""The engine behind expectations: Great Expectations on pandas. The only file that imports it, and only to check something."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from perennial.quality.catalog import SUPPORTED, columns
from perennial.quality.findings import Checked, Outcome, Positions, conclude
from perennial.quality.frames import frame

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch

_ROWS_BY_POSITION = {"result_format": "COMPLETE", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
_NONE: Positions = np.empty(0, np.int64)

Expected = tuple[str, Mapping[str, object]]
"""An expectation's name and its arguments, without faults as :func:`perennial.quality.catalog.faults` finds them."""


def check(rows: pa.Table, expectations: Sequence[Expected]) -> Checked:
    """Check *rows* against *expectations*.

    A missing value is neither outside a range nor foreign to a set; whether it may be missing is an expectation of its own. A row
    that does not meet an expectation is refused, even where ``mostly`` tolerates it and the finding is a success. A table
    without rows meets nothing here (Great Expectations itself lets it pass); whether it is a fault of its own is the caller's to
    say, and so is what no expectation at all means. Nothing is printed, sent or written to disk.

    Args:
        rows: Any columns.
        expectations: Of the catalogue, without faults.

    Returns:
        A finding per expectation, the refused rows with their reasons, and what failed as a whole.

    Examples:
        >>> rows = pa.table({"temperature": [12.5, -200.0]})
        >>> limits = {"column": "temperature", "min_value": -30, "max_value": 45}
        >>> checked = check(rows, [("expect_column_values_to_be_between", limits)])
        >>> checked.findings[0].sentence
        'temperature: 1 of 2 rows is outside -30 .. 45'
        >>> checked.refused.to_pylist()
        [{'row': 1, 'reasons': ['temperature is outside -30 .. 45']}]
    """
    if not expectations:
        return conclude([], rows.num_rows)
    with _quiet():
        outcomes = _outcomes(rows, expectations)
    return conclude(outcomes, rows.num_rows)


def _outcomes(rows: pa.Table, expectations: Sequence[Expected]) -> list[Outcome]:
    """Ask twice: first, and cheaply, whether every row meets everything; then only of what failed, by which rows or figure.

    The first pass leaves ``mostly`` out, so what passes it has no row to refuse.
    """
    data = frame(rows)
    blocked = {position: found for position, one in enumerate(expectations) if (found := _obstacle(rows, *one))}
    open_ = [position for position in range(len(expectations)) if position not in blocked]
    batch = _batch(data)
    strict = _ask(batch, {position: _strict(*expectations[position]) for position in open_}, "BOOLEAN_ONLY")
    failed = {position: expectations[position] for position in open_ if _failed(strict[position])}
    named = _ask(batch, failed, _ROWS_BY_POSITION)
    results = {**strict, **named}
    return [
        _blocked(one, blocked[position]) if position in blocked else _outcome(one, results[position], data)
        for position, one in enumerate(expectations)
    ]


def _obstacle(rows: pa.Table, type_: str, arguments: Mapping[str, object]) -> str:
    """Return why an expectation cannot be checked on *rows*, as far as that is known before asking."""
    counts = {column: rows.column_names.count(column) for column in columns(type_, arguments)}
    if twice := [column for column, count in counts.items() if count > 1]:
        return f"there are several columns {', '.join(twice)}"
    absent = [column for column, count in counts.items() if count == 0]
    if absent and type_ != "expect_column_to_exist":
        return f"there is no column {', '.join(absent)}"
    return "there are no rows" if SUPPORTED[type_].by_row and rows.num_rows == 0 else ""


def _strict(type_: str, arguments: Mapping[str, object]) -> Expected:
    return type_, {name: value for name, value in arguments.items() if name != "mostly"}


def _failed(result: ExpectationValidationResult) -> bool:
    return not result.success and not _raised(result)


def _outcome(expected: Expected, result: ExpectationValidationResult, data: pd.DataFrame) -> Outcome:
    type_, arguments = expected
    if _raised(result):
        kinds = ", ".join(f"{column} is {data[column].dtype}" for column in columns(type_, arguments))
        return _blocked(expected, f"the type does not fit: {kinds}")
    if _figureless(expected, result):
        return _blocked(expected, "its figure cannot be computed from the values that there are")
    positions = np.asarray(result.result.get("unexpected_index_list") or _NONE, np.int64)
    return Outcome(type_, arguments, success=bool(result.success), positions=np.sort(positions))


def _figureless(expected: Expected, result: ExpectationValidationResult) -> bool:
    """Return whether a figure was asked for that does not exist, such as the mean of nothing."""
    kind = SUPPORTED[expected[0]]
    return kind.ranged and not kind.by_row and not result.success and bool(pd.isna(result.result.get("observed_value")))


def _blocked(expected: Expected, obstacle: str) -> Outcome:
    return Outcome(*expected, success=False, positions=_NONE, obstacle=obstacle)


def _ask(batch: Batch, asked: Mapping[int, Expected], result_format: Any) -> dict[int, ExpectationValidationResult]:  # noqa: ANN401
    """Return the result of each expectation by its key. The engine sorts them by column, so each carries its key along."""
    if not asked:
        return {}
    gx = _great_expectations()
    suite = gx.ExpectationSuite(
        name="perennial", expectations=[_expectation(gx, *one, position) for position, one in asked.items()]
    )
    results = batch.validate(suite, result_format=result_format).results
    return {result.expectation_config.meta["position"]: result for result in results}


def _expectation(gx: ModuleType, type_: str, arguments: Mapping[str, object], position: int) -> Any:  # noqa: ANN401 - a class by name
    made = getattr(gx.expectations, "".join(word.capitalize() for word in type_.split("_")))
    return made(**arguments, meta={"position": position})


def _batch(data: pd.DataFrame) -> Batch:
    """Return *data* as a batch in a context of its own, so that nothing stays in memory and threads do not meet."""
    gx = _great_expectations()
    types = gx.data_context.types.base
    config = types.DataContextConfig(
        store_backend_defaults=types.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=types.ProgressBarsConfig(globally=False),
    )
    context = gx.get_context(project_config=config, mode="ephemeral")
    batch: Batch = context.data_sources.pandas_default.read_dataframe(data)
    return batch


def _raised(result: ExpectationValidationResult) -> bool:
    """Return whether the engine met an exception. It tells of one flatly, of several by metric."""
    told = result.exception_info or {}
    return bool(told.get("raised_exception", bool(told)))


def _great_expectations() -> ModuleType:
    """Import the engine: 3 s the first time. It sends all warnings to the log on import, which is undone."""
    before = warnings.showwarning
    import great_expectations  # noqa: PLC0415 - 3 s, and only needed when something is checked

    if warnings.showwarning is not before:
        logging.captureWarnings(capture=False)
    return great_expectations


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings that the engine causes by itself and nobody can act on."""
    with warnings.catch_warnings():
        # It imports old aliases of private modules of the standard library.
        warnings.filterwarnings("ignore", "module 'sre_(constants|parse)' is deprecated", DeprecationWarning)
        # It tests patterns with pandas' str.contains, which warns of groups although no group is read.
        warnings.filterwarnings("ignore", "This pattern is interpreted as a regular expression, and has match groups", UserWarning)
        # A spread of infinite values is NaN, which is told as a figure that cannot be computed.
        warnings.filterwarnings("ignore", "invalid value encountered", RuntimeWarning)
        yield
