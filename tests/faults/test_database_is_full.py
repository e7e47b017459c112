"""Promises 2 and 4 on a database without space left: the old night stays current, and a later publish works."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, UnavailableError
from perennial.core.receipts import PredictionBatch
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.testing.story import Story, day, night

if TYPE_CHECKING:
    from tests.faults.conftest import Server

pytestmark = pytest.mark.faults

STORY = Story()
FEW, MANY, PART = 10_000, 600_000, 50_000
PATIENCE_S = 120


def values(attempt: int, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield so many predictions of night 0, whose value is *attempt*."""
    start = np.datetime64(day(0).replace(tzinfo=None), "us")
    for first in range(0, rows, PART):
        part = np.arange(first, min(first + PART, rows))
        columns = [
            pa.array([f"station-{row}" for row in part.tolist()]),
            pa.array(start + (part % 86_400 * 1_000_000).astype("timedelta64[us]")).cast(pa.timestamp("us", "UTC")),
            pa.array(np.full(len(part), float(attempt))),
        ]
        yield pa.record_batch(columns, names=["entity", "event_at", "prediction"])


def shown(ledger: PostgresLedger) -> tuple[int, set[float]]:
    """Return how many predictions night 0 has, and their values."""
    found = ledger.predictions(STORY.model, within=night(0))
    return found.num_rows, set(found["prediction"].to_pylist())


def recovered(server: Server) -> None:
    """Start it if it has ended, and wait until it has written all that it could not: until then it may still fall, and get up."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        server.start()
        try:
            with server.connect("full") as connection:
                connection.execute("CHECKPOINT")
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "the server does not recover"
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def crowded(postgres: EmbeddedPostgres, ledger_template: str, small_disk: Callable[[str], Path]) -> Iterator[tuple[str, Path]]:
    """The URL of a ledger whose tables lie on a small disk of their own, and the disk."""
    disk = small_disk("48m")
    folder = disk / "tables"
    folder.mkdir()
    owner = next(postgres.socket_folder.glob(".s.PGSQL.*")).stat()
    folder.chmod(0o700)
    subprocess.run(["chown", f"{owner.st_uid}:{owner.st_gid}", str(folder)], check=True)
    with psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE crowded LOCATION '{folder}'")
        connection.execute(f"CREATE DATABASE crowded TEMPLATE {ledger_template} TABLESPACE crowded")
        yield postgres.url("crowded"), disk
        connection.execute("DROP DATABASE crowded WITH (FORCE)")
        connection.execute("DROP TABLESPACE crowded")


def test_promise_02_tables_on_a_full_disk_keep_the_old_night(crowded: tuple[str, Path]) -> None:
    """The writer is told; with more space the same publish works."""
    url, disk = crowded
    with closing(PostgresLedger.open(url)) as ledger:
        STORY.keep_champion(ledger)
        STORY.keep_night(ledger, 0)
        ledger.publish(STORY.batch(0, attempt=1), values(1, FEW))
        with pytest.raises(RejectedError) as caught:
            ledger.publish(STORY.batch(0, attempt=2), values(2, MANY))
        assert caught.value.code is Code.STORE_FULL
        assert str(caught.value) == "ledger: the store has no space left (DiskFull, SQLSTATE 53100) [STORE_FULL]"
        assert shown(ledger) == (FEW, {1.0})
        assert ledger.history(PredictionBatch, STORY.model) == [STORY.batch(0, attempt=1).model_copy(update={"rows": FEW})]
        subprocess.run(["mount", "-o", "remount,size=512m", str(disk)], check=True)
        ledger.publish(STORY.batch(0, attempt=2), values(2, MANY))
        assert shown(ledger) == (MANY, {2.0})


def test_promise_02_a_log_on_a_full_disk_keeps_the_old_night(
    small_disk: Callable[[str], Path], own_server: Callable[[Path], Any]
) -> None:
    """Where not even the server's own log can be written, the server ends; when there is space it comes back with the old night."""
    disk = small_disk("128m")
    with own_server(disk / "data") as server:
        url = server.running.url("full")
        migrate(url)
        with closing(PostgresLedger.open(url)) as ledger:
            STORY.keep_champion(ledger)
            STORY.keep_night(ledger, 0)
            ledger.publish(STORY.batch(0, attempt=1), values(1, FEW))
            with pytest.raises(PerennialError) as caught:
                ledger.publish(STORY.batch(0, attempt=2), values(2, MANY))
            assert (type(caught.value), caught.value.code) in {
                (RejectedError, Code.STORE_FULL),
                (UnavailableError, Code.STORE_UNAVAILABLE),
            }
        subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
        recovered(server)
        with closing(PostgresLedger.open(server.running.url("full"))) as ledger:
            assert shown(ledger) == (FEW, {1.0})
            ledger.publish(STORY.batch(0, attempt=2), values(2, FEW))
            assert shown(ledger) == (FEW, {2.0})
