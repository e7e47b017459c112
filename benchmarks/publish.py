"""Publish: the night's predictions into PostgreSQL, and the same night again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import data
import numpy as np
import numpy.typing as npt
import psycopg
from data import World
from measure import Clock, Goal, Stage, Variant

CHUNK_ROWS = 100_000
MULTI_SHARE = 10
"""``method="multi"`` is measured on a tenth of the rows, and its time multiplied."""

KEYED = "CREATE TABLE {} (entity text, event_at timestamptz, prediction double precision, PRIMARY KEY (entity, event_at))"
FIRST, AGAIN = "first", "again"
REPLACED = "by another attempt"
"""The night was extracted or predicted anew, and so has other rows: all of them are written."""


def perennial(world: World, clock: Clock) -> Mapping[str, float]:
    """Our ledger: a batch is staged and made current at once, again as a cleared task does, and replaced by another batch."""
    import product

    with product.started_from(world, product.VALIDATED) as stores:
        batches = [_batch(stores, world, number) for number in (0, 0, 1)]
        parts = list(_record_batches(world))
        for phase, batch in zip((FIRST, AGAIN, REPLACED), batches, strict=True):
            with clock(phase):
                stores.ledger.publish(batch, iter(parts))
        counts = stores.ledger.predictions("bench", within=product.NIGHT)
        rows = counts.num_rows if hasattr(counts, "num_rows") else sum(part.num_rows for part in counts)
        return {"rows": rows}


def to_sql(world: World, clock: Clock) -> Mapping[str, float]:
    """``DataFrame.to_sql`` as it comes, into a table without key or index."""
    frame = _frame(world)
    with (
        _table(world, "CREATE TABLE {} (entity text, event_at timestamptz, prediction double precision)") as name,
        data.engine(world.url()) as engine,
    ):
        with clock(FIRST):
            frame.to_sql(name, engine, if_exists="append", index=False)
        return {"rows": _count(world, name)}


def multi(world: World, clock: Clock) -> Mapping[str, float]:
    """``to_sql(method="multi")``, a tenth of the rows."""
    frame = _frame(world).head(max(1, world.rows // MULTI_SHARE))
    with (
        _table(world, "CREATE TABLE {} (entity text, event_at timestamptz, prediction double precision)") as name,
        data.engine(world.url()) as engine,
        clock(FIRST),
    ):
        frame.to_sql(name, engine, if_exists="append", index=False, method="multi", chunksize=10_000)
    return {}


def adbc(world: World, clock: Clock) -> Mapping[str, float]:
    """ADBC's ingest into a table with a key; again after a delete in the same transaction."""
    import pyarrow as pa
    from adbc_driver_postgresql import dbapi

    table = pa.Table.from_batches(_record_batches(world))
    with _table(world, KEYED) as name, dbapi.connect(world.url(driver="postgresql")) as connection, connection.cursor() as cursor:
        with clock(FIRST):
            cursor.adbc_ingest(name, table, mode="append")
            connection.commit()
        with clock(AGAIN):
            cursor.execute(f"DELETE FROM {name}")
            cursor.adbc_ingest(name, table, mode="append")
            connection.commit()
        return {"rows": _count(world, name)}


def upsert(world: World, clock: Clock) -> Mapping[str, float]:
    """COPY into a staging table, then ``INSERT ... ON CONFLICT DO UPDATE`` into a table with a key."""
    arrays = _arrays(world)
    names = "entity, event_at, prediction"
    with _table(world, KEYED) as name, psycopg.connect(world.url(driver="postgresql")) as connection:
        for phase in (FIRST, AGAIN):
            with clock(phase):
                connection.execute(f"CREATE TEMP TABLE staging (LIKE {name}) ON COMMIT DROP".encode())
                _copy(connection, "staging", names, arrays)
                update = "ON CONFLICT (entity, event_at) DO UPDATE SET prediction = EXCLUDED.prediction"
                connection.execute(f"INSERT INTO {name} SELECT {names} FROM staging {update}".encode())
                connection.commit()
        return {"rows": _count(world, name)}


def delete_copy(world: World, clock: Clock) -> Mapping[str, float]:
    """COPY row by row into a table with a key; again after a delete of the night, in one transaction."""
    frame = _frame(world)
    with _table(world, KEYED) as name, psycopg.connect(world.url(driver="postgresql")) as connection:
        for phase in (FIRST, AGAIN):
            with clock(phase):
                connection.execute(f"DELETE FROM {name} WHERE event_at >= %s AND event_at < %s".encode(), [data.NIGHT, data.END])
                with connection.cursor().copy(f"COPY {name} FROM STDIN".encode()) as copy:
                    for row in frame.itertuples(index=False):
                        copy.write_row(row)
                connection.commit()
        return {"rows": _count(world, name)}


def raw(world: World, clock: Clock) -> Mapping[str, float]:
    """The floor: binary COPY encoded from NumPy's buffers into a table that is made like the ledger's, with its indexes."""
    return _raw(world, clock, _arrays(world))


def raw_sorted(world: World, clock: Clock) -> Mapping[str, float]:
    """The same with rows that were sorted by (entity, time) before the clock started, which suits the index."""
    arrays = _arrays(world)
    order = np.lexsort((arrays["event_at"], arrays["entity"]))
    return _raw(world, clock, {name: values[order] for name, values in arrays.items()})


def _raw(world: World, clock: Clock, arrays: data.Rows) -> Mapping[str, float]:
    like = "CREATE TABLE {} (LIKE perennial.prediction INCLUDING ALL)"
    batch = {"batch": np.ones(world.rows, dtype=np.int64)}
    with _table(world, like, database="ledger_validated") as name:
        with psycopg.connect(world.url("ledger_validated", driver="postgresql")) as connection:
            for phase in (FIRST, AGAIN):
                with clock(phase):
                    _copy(connection, name, f"batch, {'entity, event_at, prediction'}", {**batch, **arrays})
                    connection.commit()
                batch = {"batch": batch["batch"] + 1}
        return {"rows": _count(world, name, "ledger_validated") / 2}


def _copy(connection: psycopg.Connection[Any], table: str, names: str, arrays: data.Rows) -> None:
    with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.write(data.MAGIC)
        for first in range(0, len(arrays["entity"]), CHUNK_ROWS):
            copy.write(data.encode({name: values[first : first + CHUNK_ROWS] for name, values in arrays.items()}))
        copy.write(data.TRAILER)


@contextmanager
def _table(world: World, statement: str, database: str = "bench") -> Iterator[str]:
    name = "published"
    with psycopg.connect(world.url(database, driver="postgresql"), autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
        connection.execute(statement.format(name).encode())
        connection.execute("CHECKPOINT")
    yield name
    with psycopg.connect(world.url(database, driver="postgresql"), autocommit=True) as connection:
        connection.execute(f"DROP TABLE {name}".encode())


def _count(world: World, table: str, database: str = "bench") -> int:
    with psycopg.connect(world.url(database, driver="postgresql")) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        return int(row[0]) if row else 0


def _arrays(world: World) -> data.Rows:
    """Return entity, time and a figure for each row of the night, in the order of time."""
    parts = [
        {data.ENTITY: part[data.ENTITY], data.EVENT: part[data.EVENT]}
        for part in data.chunks(world.rows, data.NIGHT, data.END, data.SEED + 1, categories=world.categories)
    ]
    chances: npt.NDArray[np.float64] = np.random.default_rng(data.SEED).random(world.rows)
    entities, moments = (np.concatenate([part[name] for part in parts]) for name in (data.ENTITY, data.EVENT))
    return {"entity": entities, "event_at": moments, "prediction": chances}


def _record_batches(world: World) -> Iterator[Any]:
    arrays = _arrays(world)
    table = data.table_of(iter([arrays]), ("entity", "event_at", "prediction"))
    return iter(table.to_batches(max_chunksize=CHUNK_ROWS))


def _frame(world: World) -> Any:  # noqa: ANN401 - pandas may not be imported here
    import pyarrow as pa

    return pa.Table.from_batches(_record_batches(world)).to_pandas()


def _batch(stores: Any, world: World, number: int) -> Any:  # noqa: ANN401 - Perennial may not be imported here
    import product

    from perennial.core.receipts import PredictionBatch, Role

    snapshot, validation = product.snapshot_of(stores), product.validation_of(stores)
    champion = stores.ledger.champion("bench")
    return PredictionBatch(
        id=f"{number:032d}",
        model="bench",
        interval=product.NIGHT,
        role=Role.CHAMPION,
        version=champion.version,
        epoch=champion.epoch,
        snapshot=snapshot.digest,
        validation=validation.id,
        rows=world.rows,
    )


def prepare(world: World) -> None:
    """Make the state that our own runs start from, and whose table is copied."""
    import product

    product.prepare(world)


STAGE = Stage(
    name="publish",
    title="publish {rows} predictions, and the same night again",
    variants={
        "perennial": Variant(title="Perennial", function=perennial, venv=""),
        "to_sql": Variant(title="DataFrame.to_sql", function=to_sql, remark="no key, no index"),
        "multi": Variant(title='DataFrame.to_sql(method="multi")', function=multi, scale=MULTI_SHARE, remark="a tenth, times ten"),
        "adbc": Variant(title="ADBC ingest with key, delete and again", function=adbc),
        "upsert": Variant(title="staging table and upsert", function=upsert),
        "delete_copy": Variant(title="delete and COPY", function=delete_copy),
        "raw": Variant(title="binary COPY from NumPy, our table's indexes", function=raw, remark="no check at all"),
        "raw_sorted": Variant(
            title="binary COPY of rows sorted beforehand, our table's indexes", function=raw_sorted, remark="no check at all"
        ),
    },
    goals=(
        Goal(peers=("to_sql",), faster=20, phase=FIRST, peer_phase=FIRST, bound="raw_sorted"),
        Goal(peers=("delete_copy",), faster=4, phase=AGAIN, peer_phase=AGAIN),
        Goal(peers=("delete_copy",), faster=4, phase=REPLACED, peer_phase=AGAIN),
        Goal(peers=("raw_sorted",), within=1.25, phase=FIRST, peer_phase=FIRST),
    ),
    prepare=prepare,
    left_out=(
        "The peers keep no version, no lineage and no earlier night, and readers may see half a night of the first two. "
        "The table of to_sql has neither key nor index; ours has a key of three columns, for which the server needs longer than "
        "for the rows. So the sorted COPY alone, which sends finished bytes and checks nothing, bounds how much faster than to_sql "
        "any client can be with this key. The key stays: it is what keeps one prediction per batch, entity and event."
    ),
)
