"""Does work in processes that may be killed: one line of JSON in, lines of JSON out.

A line in holds ``task`` (a name for the answers), ``kind`` and what ``KINDS[kind]`` needs. What is heavy is imported once, here;
each task is a fork. Lines out hold the ``task`` and one of ``pid``, ``began``, ``acked``, ``points``, ``error`` and ``ended``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from tests.faults.files import ready_workshop
from tests.faults.files.competition import compete
from tests.faults.files.failpoints import Failpoint
from tests.faults.files.gate import wait
from tests.faults.files.operations import operate

from perennial.core.errors import PerennialError
from perennial.core.receipts import Purpose, Role
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.steps.extract import extract
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.files.folder_source import FileSource
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import Story, day, night

KEY = b"0123456789abcdef0123456789abcdef"
PARTS = 4
MOMENT = pa.timestamp("us", "UTC")


def say(task: str, **what: object) -> None:
    """Write one line out, whole, whoever else writes.

    By a call that nothing else here makes, so that it goes through where every other write of this process fails on purpose.
    """
    os.writev(1, [f"{json.dumps({'task': task, **what})}\n".encode()])


def predictions(number: int, attempt: int, rows: int, *, backwards: bool, parts: int = PARTS) -> Iterator[pa.RecordBatch]:
    """Yield *rows* predictions of night *number*, a tenth of them per entity, whose values tell the attempt and the row."""
    order = np.arange(rows)[::-1] if backwards else np.arange(rows)
    start = np.datetime64(day(number).replace(tzinfo=None), "us")
    for part in np.array_split(order, parts):
        moments = start + (part % 1000 * 86_000).astype("timedelta64[ms]").astype("timedelta64[us]")
        columns = [
            pa.array([f"station-{entity:05d}" for entity in (part // 1000).tolist()]),
            pa.array(moments).cast(MOMENT),
            pa.array(attempt * 1e6 + part),
        ]
        yield pa.record_batch(columns, names=["entity", "event_at", "prediction"])


def publish(ask: dict[str, Any]) -> None:
    """Publish the batches ``work`` ([night, attempt, nights] each), and say which of them were acknowledged.

    With ``prepare`` a champion and so many nights are recorded before.

    With ``point`` the process is killed at that point. With ``gate`` it waits for an advisory lock: before the first batch, or
    with ``within`` before that part of each.
    """
    failpoint = Failpoint(ask.get("point", 0))
    ledger = PostgresLedger.open(ask["url"])
    with ledger.engine.connect():  # what a first connection needs is not part of a publish
        pass
    if failpoint.at:
        failpoint.at_statements(ledger.engine)
        for owner, name in ((psycopg.Connection, "commit"), (psycopg.Copy, "write")):
            failpoint.around(owner, name)
    lease = ask.get("holder")
    story = Story(model=ask["model"])
    if "prepare" in ask:
        story.keep_champion(ledger)
        for number in range(ask["prepare"]):
            story.keep_night(ledger, number)
    holding = ledger.lease(story.model, "all", "score", lease, timedelta(hours=1)) if lease else nullcontext(ledger)
    with holding as writing:
        if "within" not in ask:
            wait(ledger, ask.get("gate"))
        say(ask["task"], began=True)
        for number, attempt, nights in ask["work"]:
            batch = story.batch(number, attempt=attempt, nights=nights, role=Role(ask.get("role", "champion")))
            failpoint("before publish")
            writing.publish(batch, _gated(ask, ledger, failpoint, number, attempt))
            failpoint("after publish")
            say(ask["task"], acked=[number, attempt])


def _gated(
    ask: dict[str, Any], ledger: PostgresLedger, failpoint: Failpoint, number: int, attempt: int
) -> Iterator[pa.RecordBatch]:
    found = predictions(number, attempt, ask["rows"], backwards=ask.get("backwards", False))
    for part, batch in enumerate(found):
        if part == ask.get("within"):
            wait(ledger, ask.get("gate"))
        failpoint("before a part")
        yield batch
        failpoint("after a part")


def take_snapshot(ask: dict[str, Any]) -> None:
    """Extract an interval of the files below ``source``, and say the snapshot's digest."""
    ledger = PostgresLedger.open(ask["url"])
    definition = Definition.model_validate(ask["definition"])
    source = FileSource(Path(ask["source"]))
    stores = Stores(
        source=lambda _: source,
        artifacts=DiskArtifacts(Path(ask["artifacts"])),
        ledger=ledger,
        signing_key=KEY,
        scratch=Path(ask["scratch"]),
    )
    say(ask["task"], began=True)
    as_of = datetime.fromisoformat(ask["as_of"])
    snapshot = extract(definition, night(0, ask["nights"]), stores, purpose=Purpose.SCORE, as_of=as_of)
    say(ask["task"], acked=snapshot.digest)


def speaking(work: Callable[[dict[str, Any], Callable[..., None]], None], ask: dict[str, Any]) -> None:
    """Do *work* that says something of its task."""
    work(ask, partial(say, ask["task"]))


KINDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "publish": publish,
    "extract": take_snapshot,
    "operate": partial(speaking, operate),
    "compete": partial(speaking, compete),
}


def run(ask: dict[str, Any]) -> None:
    """Do the work, and say what went wrong: our errors by class and code, others by class alone."""
    try:
        KINDS[ask["kind"]](ask)
    except PerennialError as error:
        say(ask["task"], error=[type(error).__name__, str(error.code)])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test must know
        say(ask["task"], error=[type(error).__name__, str(error)])


def attend(ask: dict[str, Any]) -> None:
    """Fork, and say how the fork ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if not child:
        run(ask)
        os._exit(0)
    say(ask["task"], pid=child)
    _, status = os.waitpid(child, 0)
    say(ask["task"], ended=os.waitstatus_to_exitcode(status))
    os._exit(0)


def main() -> None:
    """Fork for each line, and never wait."""
    ready_workshop.install()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if not os.fork():
            attend(json.loads(line))


if __name__ == "__main__":
    main()
