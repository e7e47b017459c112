"""Promise 4 when the server stops at once: what was acknowledged is there, and what is not known is found out by running again."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from perennial.core.errors import PerennialError
from perennial.core.receipts import PredictionBatch
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.testing.story import Story, day, night

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.conftest import Server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

STOPS, ROWS, PARTS, SEED = 20, 20_000, 4, 7
STORY = Story()


@dataclass
class Writer:
    """Publishes night 0 again and again in a thread, and tries again what failed as soon as the server is back."""

    ledger: PostgresLedger
    acknowledged: int = 0
    told: list[str] = field(default_factory=list)
    back: Event = field(default_factory=Event)
    failed: Event = field(default_factory=Event)
    enough: Event = field(default_factory=Event)
    broken: BaseException | None = None

    def run(self) -> None:
        """Publish until it is enough."""
        try:
            while not self.enough.is_set():
                self._attempt(self.acknowledged + 1)
        except BaseException as error:  # noqa: BLE001 - the test tells of it
            self.broken = error
            self.failed.set()

    def _attempt(self, number: int) -> None:
        try:
            self.ledger.publish(STORY.batch(0, attempt=number), values(number))
        except PerennialError as error:
            self.told.append(f"{type(error).__name__} {error.code}")
            self.failed.set()
            assert self.back.wait(120)
        else:
            self.acknowledged = number


def values(attempt: int) -> Iterator[pa.RecordBatch]:
    """Yield 20 000 predictions of night 0 whose value is *attempt*."""
    for part in np.array_split(np.arange(ROWS), PARTS):
        moments = np.datetime64(day(0).replace(tzinfo=None), "us") + (part % 1000 * 86_000_000).astype("timedelta64[us]")
        columns = [pa.array([f"station-{row // 1000}" for row in part.tolist()]), pa.array(moments).cast(pa.timestamp("us", "UTC"))]
        yield pa.record_batch([*columns, pa.array(np.full(len(part), float(attempt)))], names=["entity", "event_at", "prediction"])


def test_promise_04_what_was_acknowledged_survives_20_immediate_stops(
    server: Server, record_property: Callable[[str, object], None]
) -> None:
    """The writer is told that the store is unavailable, and nothing else; a commit nobody heard of is resolved by running again."""
    dice = random.Random(SEED)  # noqa: S311 - moments to stop at, no secrets
    url = server.running.url("stopped")
    migrate(url)
    with closing(PostgresLedger.open(url)) as ledger:
        STORY.keep_champion(ledger)
        STORY.keep_night(ledger, 0)
        writer = Writer(ledger)
        thread = Thread(target=writer.run)
        thread.start()
        unknown = sum(_stop(server, writer, dice.uniform(0, 0.5)) for _ in range(STOPS))
        writer.enough.set()
        thread.join()
        assert writer.broken is None
        assert set(writer.told) == {"UnavailableError STORE_UNAVAILABLE"}
        history = ledger.history(PredictionBatch, STORY.model)
        assert history == [
            STORY.batch(0, attempt=number).model_copy(update={"rows": ROWS}) for number in range(1, len(history) + 1)
        ]
        assert _shown(ledger) == {float(writer.acknowledged)}
    record_property("immediate stops", f"{STOPS}, {unknown} of them between a commit and its answer (seed {SEED})")


def _stop(server: Server, writer: Writer, moment: float) -> bool:
    """Stop the server so long from now, start it, and return whether a batch is current that was not acknowledged."""
    writer.back.clear()
    writer.failed.clear()
    assert not writer.failed.wait(moment)  # a moment of its own choice: whatever the writer does then
    server.stop_at_once()
    assert writer.failed.wait(120)
    assert writer.broken is None
    server.start()
    with closing(PostgresLedger.open(server.running.url("stopped"))) as found:
        shown = _shown(found)
    assert shown <= {float(writer.acknowledged), float(writer.acknowledged + 1)}
    assert len(shown) == min(writer.acknowledged, 1) or shown == {1.0}
    writer.back.set()
    return shown == {float(writer.acknowledged + 1)}


def _shown(ledger: PostgresLedger) -> set[float]:
    found = ledger.predictions(STORY.model, within=night(0))
    assert found.num_rows in {0, ROWS}
    return set(found["prediction"].to_pylist())
