"""A small model that has lived for some weeks, and what may be done to it; each operation converges if it is repeated."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.faults.files.failpoints import Failpoint, Watched

from perennial.core.receipts import ALL, ModelVersion, Promotion
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.learning import codec, estimators  # noqa: F401 - the steps import them late, each process anew
from perennial.ports import Artifacts, Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.collect import collect
from perennial.steps.loop import retrain, score
from perennial.steps.promote import promote
from perennial.steps.retire import retire
from perennial.steps.rollback import rollback
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.artifacts.s3 import open_s3
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemorySource
from perennial.testing.story import FIRST_DAY, day, night

KEY = b"0123456789abcdef0123456789abcdef"
DAYS = 60
EXPIRED, NIGHT = 30, 37
"""Two nights that are scored. The predictions of the first one are too old, those of the second one are replaced."""
FIRST, SECOND, WAITING, NEXT = 30, 37, 44, 51
"""The ends of four training windows: of two champions, of a version that waits for a person, and of the next one."""
HOUR_S = 3600
JOB = "perennial.steps.jobs.fit"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an operation works on, and its clock."""

    definition: Definition
    stores: Stores
    now: datetime

    @property
    def guarded(self) -> Definition:
        """The definition with a person who must approve."""
        publishing = self.definition.publish.model_copy(update={"approval": "human"})
        return self.definition.model_copy(update={"publish": publishing})

    def retrain(self, until: int, definition: Definition | None = None) -> None:
        """Train on the window that ends with day *until*."""
        asked = definition or self.definition
        retrain(asked, training_window(asked, day(until)), self.stores, reason="a test", actor="tests")

    def score(self, number: int) -> None:
        """Score a night."""
        score(self.definition, night(number), self.stores, as_of=day(number + 1))

    def promote(self) -> None:
        """Let a person promote the version that waits."""
        [waiting] = self.stores.ledger.history(ModelVersion, self.definition.name, newest=1)
        promote(self.guarded, self.stores, version=waiting.id, reason="looks right", actor="ana")

    def rollback(self) -> None:
        """Let a person go back to the first champion, who looks first whether that was done already."""
        promotions = self.stores.ledger.history(Promotion, self.definition.name)
        first, newest = promotions[0].version, promotions[-1].version
        if newest != first:
            since = day(NIGHT + 1)
            rollback(self.definition, ALL, self.stores, effective_from=since, reason="the new one is odd", actor="ana", to=first)

    def retire(self) -> None:
        """Let a person retire the model, who looks first whether that was done already."""
        if self.stores.ledger.champion(self.definition.name) is not None:
            retire(self.definition, ALL, self.stores, effective_from=day(NIGHT + 1), reason="the shop closes", actor="ana")

    def collect(self) -> None:
        """Remove what nothing names, and the predictions of the first night."""
        kept_for = timedelta(days=(self.now - day(EXPIRED + 1)).days)
        publishing = self.definition.publish.model_copy(update={"retention": kept_for})
        collect([self.definition.model_copy(update={"publish": publishing})], self.stores, now=self.now)

    def live(self) -> None:
        """Train twice, score two nights, train a version that waits for a person, and leave something to collect behind."""
        self.retrain(FIRST)
        self.score(EXPIRED)
        self.retrain(SECOND)
        self.score(NIGHT)
        self.retrain(WAITING, self.guarded)
        for number in range(3):
            self.stores.artifacts.put(f"nothing names me, number {number}".encode())
        folder = self.stores.scratch / "perennial-scratch-left"
        folder.mkdir()
        (folder / "part.parquet").write_bytes(b"half of a part")


OPERATIONS: dict[str, Callable[[Work], None]] = {
    "live": Work.live,
    "retrain": lambda work: work.retrain(NEXT),
    "score": lambda work: work.score(NIGHT),
    "promote": Work.promote,
    "rollback": Work.rollback,
    "retire": Work.retire,
    "gc": Work.collect,
}
FLOWS = {"retrain": "retrain", "score": "score"}
"""Those that hold the model while they work."""


def operate(ask: dict[str, Any], say: Callable[..., None]) -> None:
    """Do the operation ``operation`` in the database ``url`` and the folder ``folder``, and say which points were reached.

    At point ``at`` this process sends itself ``signal``. With ``statements`` there are points at statements and commits, too.
    With ``held`` it stops itself before it begins, when the workshop is there already.
    """
    failpoint = Failpoint(ask.get("at", 0), signal.Signals[ask.get("signal", "SIGKILL")])
    name, folder = ask["operation"], Path(ask["folder"])
    ledger = PostgresLedger.open(ask["url"])
    if ask.get("statements"):
        failpoint.at_statements(ledger.engine)
    source = MemorySource(_tables(changed=name == "score"))
    watched: Any = [Watched(store, failpoint) for store in (_artifacts(ask, folder), ledger)]
    stores = Stores(source=lambda _: source, artifacts=watched[0], ledger=watched[1], signing_key=KEY, scratch=folder / "scratch")
    definition = Definition.model_validate(ask["definition"])
    if ask.get("held"):
        stores.workshop.prepare(JOB)
        signal.raise_signal(signal.SIGSTOP)
    with _leased(ask, stores, definition) as held:
        OPERATIONS[name](Work(definition=definition, stores=held, now=datetime.fromisoformat(ask["now"]).astimezone(UTC)))
    say(points=failpoint.reached)


def _leased(ask: dict[str, Any], stores: Stores, definition: Definition) -> AbstractContextManager[Stores]:
    flow = FLOWS.get(ask["operation"])
    if flow is None:
        return nullcontext(stores)
    ttl = timedelta(seconds=ask.get("ttl_s", HOUR_S))
    return stores.leased(definition.name, ALL, flow, holder=ask.get("holder", "run 1"), ttl=ttl)


def _artifacts(ask: dict[str, Any], folder: Path) -> Artifacts:
    if "s3" not in ask:
        return DiskArtifacts(folder / "artifacts")
    os.environ.update({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"})
    return open_s3(ask["s3"], endpoint_url=ask["endpoint"], scratch=folder / "scratch")


def _tables(*, changed: bool) -> dict[str, pa.Table]:
    """Return what the source holds; *changed*, every hour of the night is warmer and one is impossible."""
    made = tables(world(seed=7, days=DAYS, start=FIRST_DAY.date()))
    if changed:
        conditions = made["conditions"]
        warmer = [value + 1 for value in conditions["temperature"].to_pylist()]
        warmer[NIGHT * 24] = -200.0
        made["conditions"] = conditions.set_column(conditions.column_names.index("temperature"), "temperature", [warmer])
    return made
