"""Validate: 40 expectations over the night, from the Parquet file, with the rows that offend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import data
import expected
from data import World
from measure import Clock, Goal, Stage, Variant

COMPLETE = {"result_format": "COMPLETE", "unexpected_index_column_names": [], "return_unexpected_index_query": False}


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Our step: the 40, duplicates, row count, shares; refused rows into quarantine with reasons, receipt in the ledger."""
    import product

    with product.started_from(world, product.EXTRACTED) as stores:
        with clock():
            validation = product.check(world, stores)
        return {"rows": validation.rows, "refused": validation.quarantined}


def great_expectations(world: World, clock: Clock) -> Mapping[str, float]:
    """Great Expectations on pandas, with the index of every offending row."""
    return _on_pandas(world, clock, COMPLETE)


def verdicts(world: World, clock: Clock) -> Mapping[str, float]:
    """Great Expectations on pandas, verdicts only: no row is named."""
    return _on_pandas(world, clock, "BOOLEAN_ONLY")


def _on_pandas(world: World, clock: Clock, result_format: dict[str, Any] | str) -> Mapping[str, float]:
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    whole = context.data_sources.add_pandas("bench").add_dataframe_asset("night").add_batch_definition_whole_dataframe("all")
    suite = suite_of()
    with clock():
        frame = pd.read_parquet(_file(world))
        result = whole.get_batch({"dataframe": frame}).validate(suite, result_format=result_format)
    refused = {row for one in result.results for row in one.result.get("unexpected_index_list") or ()}
    return {"rows": len(frame)} if isinstance(result_format, str) else {"rows": len(frame), "refused": len(refused)}


def on_postgres(world: World, clock: Clock) -> Mapping[str, float]:
    """Great Expectations on PostgreSQL's own table, verdicts and counts; it can name rows only by a query of its own."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_sql("bench", connection_string=world.url())
    table = source.add_table_asset("night", table_name="night_alone").add_batch_definition_whole_table("all")
    suite = suite_of()
    with clock():
        batch = table.get_batch()
        result = batch.validate(suite, result_format="BASIC")
    batch.data.execution_engine.close()
    source.get_execution_engine().close()
    source.get_engine().dispose()
    counts = [one.result["element_count"] for one in result.results]
    return {"rows": counts[0], "refused": sum(one.result["unexpected_count"] for one in result.results)}


def pandera(world: World, clock: Clock) -> Mapping[str, float]:
    """Pandera on pandas, lazily, so that every failure is collected with its row."""
    import pandas as pd
    import pandera.errors
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(
        {
            **{name: pa.Column(nullable=False) for name in expected.FULL},
            **{
                name: pa.Column(float, pa.Check.in_range(-expected.RANGE, expected.RANGE), nullable=True)
                for name in expected.RANGED
            },
            **{name: pa.Column(checks=pa.Check.isin(values), nullable=False) for name, values in expected.SETS.items()},
            expected.MATCHED: pa.Column(checks=pa.Check.str_matches(expected.CATEGORY), nullable=False),
        }
    )
    refused = 0
    with clock():
        frame = pd.read_parquet(_file(world))
        try:
            schema.validate(frame, lazy=True)
        except pandera.errors.SchemaErrors as error:
            refused = error.failure_cases["index"].nunique()
    return {"rows": len(frame), "refused": refused}


def arrow(world: World, clock: Clock) -> Mapping[str, float]:
    """The floor: the whole file in memory and one pyarrow kernel per expectation."""
    import numpy as np
    import pyarrow.parquet as pq

    with clock():
        rows = pq.read_table(_file(world))
        refused = np.flatnonzero(refused_by_arrow(rows))
    return {"rows": rows.num_rows, "refused": len(refused)}


def refused_by_arrow(rows: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return whether each of *rows* offends, shape (rows,), bool."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    bad = np.zeros(rows.num_rows, dtype=bool)
    for name in expected.FULL:
        bad |= rows.column(name).is_null().to_numpy()
    for name in expected.RANGED:
        column = rows.column(name)
        outside = pc.or_(pc.less(column, -expected.RANGE), pc.greater(column, expected.RANGE))
        bad |= outside.fill_null(fill_value=False).to_numpy()
    for name, values in expected.SETS.items():
        bad |= pc.invert(pc.is_in(rows.column(name), pa.array(values))).to_numpy()
    bad |= pc.invert(pc.match_substring_regex(rows.column(expected.MATCHED), expected.CATEGORY)).to_numpy()
    return bad


def suite_of() -> Any:  # noqa: ANN401 - Great Expectations may not be imported here
    """Return the 40 as a suite of Great Expectations."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = gx.ExpectationSuite(name="bench")
    for name, arguments in expected.expectations():
        suite.add_expectation_configuration(ExpectationConfiguration(type=name, kwargs=arguments))
    return suite


def _file(world: World) -> Path:
    return world.path / "night.parquet"


def prepare(world: World) -> None:
    """Write the night as one Parquet file for the peers, and as a table; ours reads the snapshot."""
    import product
    import pyarrow.parquet as pq
    import worlds

    product.prepare(world)
    worlds.night_table(world)
    if not _file(world).exists():
        pq.write_table(data.table_of(worlds.night(world)), _file(world), compression="zstd", row_group_size=data.CHUNK)


STAGE = Stage(
    name="validate",
    title="validate {rows} rows x 35, 40 expectations, from the Parquet file",
    variants={
        "perennial": Variant(title="Perennial", function=perennial, venv=""),
        "great_expectations": Variant(title="Great Expectations on pandas", function=great_expectations),
        "verdicts": Variant(title="Great Expectations on pandas, verdicts only", function=verdicts, remark="names no rows"),
        "postgres": Variant(title="Great Expectations on PostgreSQL", function=on_postgres, remark="names no rows"),
        "pandera": Variant(title="pandera on pandas", function=pandera),
        "arrow": Variant(title="pyarrow, one kernel per expectation", function=arrow, remark="the whole file in memory"),
    },
    goals=(Goal(peers=("great_expectations",), faster=3),),
    prepare=prepare,
    left_out="The peers do not look for duplicates, keep no refused rows with reasons, and verify no digest of the file. "
    "Imports are not counted (Great Expectations' takes about 3 s).",
)
