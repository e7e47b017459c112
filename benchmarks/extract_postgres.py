"""Extract: the night's rows from PostgreSQL into Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import data
from data import World
from measure import Clock, Goal, Stage, Variant

CHUNK_ROWS = 50_000


def statement() -> str:
    """Return the peers' query. They need no order; ours are sorted, with every tie broken."""
    begin, end = data.NIGHT.isoformat(), data.END.isoformat()
    where = f"{data.EVENT} >= '{begin}' AND {data.EVENT} < '{end}'"
    return f"SELECT {', '.join(data.COLUMNS)} FROM night WHERE {where}"


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Our step: sorted rows into a snapshot in the store of artifacts, its parts digested, its receipt in the ledger."""
    import product
    import pyarrow as pa

    from perennial.steps.snapshots.rows import open_rows

    with product.started_from(world, product.TRAINED) as stores:
        with clock():
            snapshot = product.take(world, stores)
        with open_rows(product.definition(world), stores, snapshot) as rows:
            return figures(pa.Table.from_batches(rows.batches(["n00", "n29", "c4"])))


def pandas_chunks(world: World, clock: Clock) -> Mapping[str, float]:
    """What most people write: ``read_sql`` in chunks over a server-side cursor, each chunk appended to a Parquet file."""
    import pandas as pd
    import sqlalchemy as sa

    path = file_of(world, "pandas")
    with data.engine(world.url()) as engine, clock(), engine.connect().execution_options(stream_results=True) as connection:
        write_frames(path, pd.read_sql(sa.text(statement()), connection, chunksize=CHUNK_ROWS))
    return read_back(path)


def write_frames(path: Path, frames: Iterator[Any]) -> None:
    """Append pandas *frames* to one Parquet file; the first one decides the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for frame in frames:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def server_cursor(world: World, clock: Clock) -> Mapping[str, float]:
    """A server-side cursor of psycopg, in binary, its rows turned into Arrow columns chunk by chunk."""
    import psycopg
    import pyarrow as pa

    schema = data.table_of(data.chunks(1, data.NIGHT, data.END)).schema
    path = file_of(world, "cursor")
    with psycopg.connect(world.url(driver="postgresql")) as connection:

        def batches() -> Iterator[pa.RecordBatch]:
            with connection.cursor("night", binary=True) as cursor:
                cursor.itersize = CHUNK_ROWS
                cursor.execute(statement().encode())
                while rows := cursor.fetchmany(CHUNK_ROWS):
                    columns = zip(*rows, strict=True)
                    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
                    yield pa.record_batch(arrays, schema=schema)

        with clock():
            write(path, batches())
    return read_back(path)


def adbc(world: World, clock: Clock) -> Mapping[str, float]:
    """ADBC's stream of record batches, written as they come."""
    from adbc_driver_postgresql import dbapi

    path = file_of(world, "adbc")
    with dbapi.connect(world.url(driver="postgresql")) as connection, connection.cursor() as cursor, clock():
        cursor.execute(statement())
        write(path, cursor.fetch_record_batch())
    return read_back(path)


def connectorx(world: World, clock: Clock) -> Mapping[str, float]:
    """Connectorx into one Arrow table in memory, then Parquet."""
    import connectorx as cx
    import pyarrow.parquet as pq

    path = file_of(world, "connectorx")
    url = world.url(driver="postgresql").replace("@/", "@localhost/")  # it wants the name of a host beside the socket's folder
    with clock():
        table = cx.read_sql(url, statement(), return_type="arrow")
        pq.write_table(table, path, compression="zstd", row_group_size=CHUNK_ROWS)
    return read_back(path)


def thrown_away(world: World, clock: Clock) -> Mapping[str, float]:
    """The floor: PostgreSQL's binary COPY of the same rows, thrown away as it comes."""
    import psycopg

    with psycopg.connect(world.url(driver="postgresql")) as connection, connection.cursor() as cursor:
        size = 0
        with clock(), cursor.copy(f"COPY ({statement()}) TO STDOUT (FORMAT BINARY)".encode()) as copy:
            for block in copy:
                size += len(block)
        return {"rows": cursor.rowcount} if size else {}


def figures(table: object) -> Mapping[str, float]:
    """Return what must be the same whoever extracted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    assert isinstance(table, pa.Table)
    return {
        "rows": table.num_rows,
        "sum": pc.sum(table.column("n00")).as_py(),
        "gaps": table.column("n29").null_count + (pc.sum(pc.is_nan(table.column("n29"))).as_py() or 0),
        "categories": pc.count_distinct(table.column("c4")).as_py(),
    }


def write(path: Path, batches: Iterator[object]) -> None:
    """Write *batches* to a Parquet file as they come."""
    import pyarrow.parquet as pq

    first = next(iter(batches))
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:  # type: ignore[attr-defined]  # no stubs
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def read_back(path: Path) -> Mapping[str, float]:
    """Return the figures of a Parquet file, and remove it."""
    import pyarrow.parquet as pq

    found = figures(pq.read_table(path, columns=["n00", "n29", "c4"]))
    path.unlink()
    return found


def file_of(world: World, name: str) -> Path:
    """Return where the peer *name* writes."""
    return world.path / f"{name}.parquet"


def prepare(world: World) -> None:
    """Make the states that our own runs start from."""
    import product

    product.prepare(world)


STAGE = Stage(
    name="extract_postgres",
    title="extract {rows} rows, PostgreSQL to a Parquet snapshot",
    variants={
        "perennial": Variant(title="Perennial", function=perennial, venv=""),
        "pandas": Variant(title="pandas.read_sql in chunks to Parquet", function=pandas_chunks),
        "cursor": Variant(title="psycopg server cursor to Parquet", function=server_cursor),
        "adbc": Variant(title="ADBC to Parquet", function=adbc),
        "connectorx": Variant(title="connectorx to Arrow to Parquet", function=connectorx, remark="the whole table in memory"),
        "copy": Variant(title="binary COPY, thrown away", function=thrown_away, remark="writes nothing"),
    },
    goals=(Goal(peers=("pandas",), faster=6), Goal(peers=("copy",), within=1.8)),
    peak_mb=300,
    prepare=prepare,
    left_out="The peers' rows are in no certain order, are not checked, and their files are neither digested nor synced to disk.",
)
