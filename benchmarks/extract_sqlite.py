"""Extract: the night's rows from SQLite into Parquet."""

from __future__ import annotations

from collections.abc import Mapping

import data
import extract_postgres
from data import World
from extract_postgres import CHUNK_ROWS, figures, file_of, read_back, write, write_frames
from measure import Clock, Goal, Stage, Variant


def statement() -> str:
    """Return the peers' query. Moments stay the text that SQLite has, which no peer turns into time."""
    begin, end = (f"{at:%Y-%m-%dT%H:%M:%S.%f}Z" for at in (data.NIGHT, data.END))
    where = f"{data.EVENT} >= '{begin}' AND {data.EVENT} < '{end}'"
    return f"SELECT {', '.join(data.COLUMNS)} FROM night WHERE {where}"


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Our step: as from PostgreSQL; moments become moments, and every one is checked."""
    import product
    import pyarrow as pa

    from perennial.steps.snapshots.rows import open_rows

    with product.started_from(world, product.TRAINED) as stores:
        with clock():
            snapshot = product.take(world, stores, connection="sqlite")
        with open_rows(product.definition(world, connection="sqlite"), stores, snapshot) as rows:
            return figures(pa.Table.from_batches(rows.batches(["n00", "n29", "c4"])))


def pandas_chunks(world: World, clock: Clock) -> Mapping[str, float]:
    """``read_sql`` in chunks, each appended to a Parquet file."""
    import pandas as pd
    import sqlalchemy as sa

    path = file_of(world, "pandas")
    with data.engine(f"sqlite:///{world.path / 'bench.sqlite'}") as engine, clock(), engine.connect() as connection:
        write_frames(path, pd.read_sql(sa.text(statement()), connection, chunksize=CHUNK_ROWS))
    return read_back(path)


def adbc(world: World, clock: Clock) -> Mapping[str, float]:
    """ADBC's stream of record batches, written as they come."""
    from adbc_driver_sqlite import dbapi

    path = file_of(world, "adbc")
    with dbapi.connect(f"file:{world.path / 'bench.sqlite'}?mode=ro") as connection, connection.cursor() as cursor, clock():
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(CHUNK_ROWS)})
        cursor.execute(statement())
        write(path, cursor.fetch_record_batch())
    return read_back(path)


def prepare(world: World) -> None:
    """Make the SQLite file, and the states that our own runs start from."""
    import worlds

    extract_postgres.prepare(world)
    worlds.load_sqlite(world)


STAGE = Stage(
    name="extract_sqlite",
    title="extract {rows} rows, SQLite to a Parquet snapshot",
    variants={
        "perennial": Variant(title="Perennial", function=perennial, venv=""),
        "pandas": Variant(title="pandas.read_sql in chunks to Parquet", function=pandas_chunks),
        "adbc": Variant(title="ADBC to Parquet", function=adbc),
    },
    goals=(Goal(peers=("pandas",), faster=3),),
    peak_mb=300,
    prepare=prepare,
    left_out="The peers keep moments as the text that they are in SQLite.",
)
