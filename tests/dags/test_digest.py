"""The digest of a fleet under a real Airflow, by a notifier of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from perennial.core.receipts import Message, News, Occasion
from perennial.definition.loader import load
from perennial.orchestration.local_airflow import LocalAirflow
from perennial.steps.tell import tell
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import day

pytestmark = [pytest.mark.dags, pytest.mark.slow, pytest.mark.timeout(900)]

FLEET = ("fleet_one", "fleet_two")


@pytest.fixture
def ledger(airflow_environment: dict[str, str]) -> Iterator[PostgresLedger]:
    """The ledger of the session's Airflow."""
    opened = PostgresLedger.open(airflow_environment["PERENNIAL_DATABASE_URL"])
    yield opened
    opened.close()


def test_a_fleet_is_told_of_in_one_message(
    airflow: LocalAirflow, airflow_definitions: Path, airflow_environment: dict[str, str], ledger: PostgresLedger
) -> None:
    """What two models had to say since the last one, once: the next digest has nothing to tell."""
    for name, sentence in zip(FLEET, ("extract failed", "every row is at fault"), strict=True):
        news = News(occasion=Occasion.FAILURE, at=day(31), sentence=sentence)
        assert tell(load(airflow_definitions / f"{name}.yml"), day(31), ledger, news=[news], send=_too_early) is not None

    client = airflow.client
    client.unpause("perennial_digest")
    for run in ("first", "second"):
        client.trigger("perennial_digest", run_id=run)
        assert client.wait("perennial_digest", run, timeout_s=400) == "success"

    lines = (Path(airflow_environment["EXPORTS"]) / "messages.jsonl").read_text().splitlines()
    [(subject, text)] = [json.loads(line) for line in lines]
    assert subject == "2 models: a task failed"
    assert text.index("Fleet, one") < text.index("extract failed") < text.index("Fleet, two") < text.index("every row is at fault")
    for name in FLEET:
        kept, told = ledger.history(Message, name)
        assert (kept.told, told.told, told.carries) == (False, True, (kept.id,))


def _too_early(news: Sequence[News]) -> None:
    pytest.fail(f"{len(news)} news were not kept")
