"""Great Expectations itself, on pandas, which our own results are held against."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

Expected = tuple[str, Mapping[str, object]]
_COMPLETE = {"result_format": "COMPLETE", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
_EXACT_IN_FLOAT64 = 2**53


@dataclass(frozen=True)
class Reference:
    """What Great Expectations says of one expectation: *raised* where it met an exception."""

    success: bool
    positions: list[int]
    observed: Any
    raised: bool


@pytest.fixture(scope="session")
def great_expectations() -> ModuleType:
    """Import it: 3 s. On import it sends all warnings to the log, which is undone."""
    before = warnings.showwarning
    with _quiet():
        import great_expectations as imported  # noqa: PLC0415 - 3 s, and only for some tests

    if warnings.showwarning is not before:
        logging.captureWarnings(capture=False)
    module: ModuleType = imported
    return module


@pytest.fixture(scope="session")
def reference(great_expectations: ModuleType) -> Callable[[pa.Table, Sequence[Expected]], list[Reference]]:
    """Return the function that asks Great Expectations."""

    def ask(rows: pa.Table, expectations: Sequence[Expected]) -> list[Reference]:
        with _quiet():
            suite = great_expectations.ExpectationSuite(
                name="reference", expectations=[_expectation(great_expectations, *one, at) for at, one in enumerate(expectations)]
            )
            results = _batch(great_expectations, frame(rows)).validate(suite, result_format=_COMPLETE).results
        by_place = {result.expectation_config.meta["place"]: result for result in results}  # it sorts them by column
        return [_told(by_place[at]) for at in range(len(expectations))]

    return ask


def frame(rows: pa.Table) -> pd.DataFrame:
    """Return *rows* as pandas has them: whole numbers beside missing ones are Int64 where float64 would lose a digit."""
    plain = pa.table([_plain(column) for column in rows.columns], names=rows.column_names)
    converted: pd.DataFrame = plain.to_pandas()
    for position, column in enumerate(plain.columns):
        if pa.types.is_int64(column.type) and column.null_count:
            converted.isetitem(position, column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
    return converted


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_integer(kind):
        return _whole(column.cast(pa.int64()))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    return column


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    ends = pc.min_max(column).as_py()
    large = ends["min"] is not None and max(-ends["min"], ends["max"]) > _EXACT_IN_FLOAT64
    return column if large or not column.null_count else column.cast(pa.float64())


def _expectation(module: ModuleType, type_: str, arguments: Mapping[str, object], place: int) -> Any:
    made = getattr(module.expectations, "".join(word.capitalize() for word in type_.split("_")))
    return made(**arguments, meta={"place": place})


def _batch(module: ModuleType, data: pd.DataFrame) -> Any:
    types = module.data_context.types.base
    config = types.DataContextConfig(
        store_backend_defaults=types.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=types.ProgressBarsConfig(globally=False),
    )
    context = module.get_context(project_config=config, mode="ephemeral")
    return context.data_sources.pandas_default.read_dataframe(data)


def _told(result: Any) -> Reference:
    told = result.exception_info or {}
    raised = bool(told.get("raised_exception", bool(told)))
    return Reference(
        success=bool(result.success),
        positions=sorted(result.result.get("unexpected_index_list") or []),
        observed=result.result.get("observed_value"),
        raised=raised,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what it and pandas say of themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
