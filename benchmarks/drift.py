"""Drift: the night's rows held against what the champion was trained on, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import data
import numpy as np
from data import World
from measure import Clock, Goal, Stage, Variant

MANY_COLUMNS, LEAST_ROWS = 1000, 100
MANY = "1 000 columns x a tenth of the rows"
NIGHTS, FEWER_NIGHTS = 40, 10

VALUES = 2.86
"""So many times as many values as in the night have 1 000 columns of a tenth of its rows."""


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Ours: the stored reference, one pass over the night in Arrow, the test and every figure beside it."""
    import pyarrow as pa

    from perennial.monitoring.counting.profile import profile
    from perennial.monitoring.counting.reference import Reference
    from perennial.monitoring.shift.drift import drift

    def measured(stored: Path, night: Any) -> int:  # noqa: ANN401 - pyarrow has no types
        reference = Reference.from_json(stored.read_bytes())
        counted = profile(reference.edges, night)
        columns, _ = drift(
            reference, counted, false_alarms_per_year=1.0, nights_per_year=365.25, input_shift=0.2, minimum_rows=20, number=NIGHTS
        )
        return len(columns)

    night = _night(world)
    with clock():
        columns = measured(world.path / "reference.json", night)
    del night
    wide = pa.table(dict(_wide(world, world.rows // 10, 1)))
    with clock(MANY):
        many = measured(world.path / "wide.json", wide)
    return {"columns": columns, "many": many}


def stream(world: World, clock: Clock) -> Mapping[str, float]:
    """The same bytes, each read once from memory and added up, and nothing else."""
    return _through(world, clock, _added)


def copied(world: World, clock: Clock) -> Mapping[str, float]:
    """The same bytes, each read once and written once, a buffer at a time."""
    return _through(world, clock, np.copy)


def _through(world: World, clock: Clock, use: Callable[[Any], Any]) -> Mapping[str, float]:
    import pyarrow as pa

    night = _night(world)
    with clock():
        columns = _streamed(night, use)
    del night
    wide = pa.table(dict(_wide(world, world.rows // 10, 1)))
    with clock(MANY):
        many = _streamed(wide, use)
    return {"columns": columns, "many": many}


def with_scipy(world: World, clock: Clock) -> Mapping[str, float]:
    """A loop over frames in memory: ``ks_2samp`` of each number, ``chi2_contingency`` of each category."""
    import pandas as pd
    from loop import _drift_by_scipy

    frames = [pd.read_parquet(_file(world, which), columns=list(data.FEATURES)) for which in ("window", "night")]
    with clock():
        columns = _drift_by_scipy(*frames)
    return {"columns": columns}


def with_evidently(world: World, clock: Clock) -> Mapping[str, float]:
    """Evidently's DataDriftPreset over frames in memory."""
    import pandas as pd
    from loop import _drift_by_evidently

    frames = [pd.read_parquet(_file(world, which), columns=list(data.FEATURES)) for which in ("window", "night")]
    with clock():
        columns = _drift_by_evidently(*frames)
    return {"columns": columns}


def prepare(world: World) -> None:
    """Write window and night as Parquet for the peers, and the references as they are stored with a version."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from perennial.monitoring.counting.reference import reference_profile

    if (world.path / "wide.json").exists():
        return
    parts = {
        "window": data.chunks(world.window, data.BEGIN, data.NIGHT, categories=world.categories),
        "night": data.chunks(world.rows, data.NIGHT, data.END, data.SEED + 1, categories=world.categories),
    }
    tables = {which: data.table_of(rows, data.FEATURES) for which, rows in parts.items()}
    for which, rows in tables.items():
        pq.write_table(rows, _file(world, which), compression="zstd", row_group_size=data.CHUNK)
    window = tables["window"]
    nights = np.arange(window.num_rows) * NIGHTS // window.num_rows
    found = reference_profile(window, numeric=data.NUMERIC, categorical=data.CATEGORICAL, nights=nights)
    (world.path / "reference.json").write_bytes(found.to_json())
    known = pa.table(dict(_wide(world, world.window // 10, 0)))
    nights = np.arange(known.num_rows) * FEWER_NIGHTS // known.num_rows
    wide = reference_profile(known, numeric=known.column_names, nights=nights)
    (world.path / "wide.json").write_bytes(wide.to_json())


def _streamed(table: Any, use: Callable[[Any], Any]) -> int:  # noqa: ANN401 - pyarrow has no types
    """Hand every byte of *table* to *use*, eight at a time, and return how many columns it has."""
    for chunk in (chunk for column in table.columns for chunk in column.chunks):
        for buffer in filter(None, chunk.buffers()):
            use(np.frombuffer(buffer, np.uint64, buffer.size // 8))
    return len(table.columns)


def _added(words: Any) -> int:  # noqa: ANN401 - an array, of which NumPy's types are not needed here
    return int(words.sum())


def _night(world: World) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow.parquet as pq

    return pq.read_table(_file(world, "night"), columns=list(data.FEATURES))


def _wide(world: World, rows: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield columns of numbers, half of them skewed; fewer where the world is tiny."""
    random = np.random.default_rng([data.SEED, seed])
    for place in range(min(MANY_COLUMNS, world.rows // LEAST_ROWS)):
        values = random.standard_normal(rows)
        yield f"w{place:04}", np.exp(values) if place % 2 else values


def _file(world: World, which: str) -> Path:
    return world.path / f"drift-{which}.parquet"


STAGE = Stage(
    name="drift",
    title="drift of {rows} rows x 35 against a window of {window} rows, one column with 10 000 values",
    variants={
        "perennial": Variant(title="Perennial", function=perennial, venv="", remark="against the stored reference"),
        "stream": Variant(title="the same bytes, each read once", function=stream, remark="and added up"),
        "copied": Variant(title="the same bytes, each copied once", function=copied),
        "with_scipy": Variant(title="a scipy loop", function=with_scipy, remark="ks_2samp and chi2_contingency, frames in memory"),
        "with_evidently": Variant(
            title="Evidently's DataDriftPreset",
            function=with_evidently,
            venv="bench-evidently",
            remark="all rows, frames in memory",
        ),
    },
    goals=(
        Goal(peers=("with_evidently",), faster=200),
        Goal(peers=("with_scipy",), faster=20),
        Goal(peers=("stream",), within=10),
        Goal(peers=("stream",), within=10, phase=MANY, peer_phase=MANY),
        Goal(peers=("perennial",), within=VALUES, phase=MANY),
    ),
    peak_mb=50,
    prepare=prepare,
    left_out="The peers know nothing of nights and of weekdays, share no budget, and say not which part of a column moved. Their "
    "frames, and our table, are in memory before the clock starts; ours reads its reference while it runs. All have one thread. "
    "1 000 columns of a tenth of the rows have 2.86 times the values, so the last goal is the same time for each value.",
)
