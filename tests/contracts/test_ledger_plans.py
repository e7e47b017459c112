"""What the analyst's questions of docs/operations.md, and the ledger's own, read: an index or the months they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from perennial.core.receipts import Role
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.stores.ledger.batches import last_other
from perennial.stores.ledger.lineage import _TRACE
from perennial.stores.ledger.outcomes import _JOIN_BY_HASH, _query
from perennial.stores.migrations import migrate
from perennial.testing.story import Story, day, night, outcomes, predictions

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
MARCH = "prediction_2024m03"
ENTITIES = (*(f"entity {number}" for number in range(24)), "north")
NIGHTS = (*range(8), *range(31, 39), *range(61, 69))


@pytest.fixture(scope="module")
def crowded(postgres: EmbeddedPostgres) -> Iterator[PostgresLedger]:
    """A ledger of two models with 58 000 predictions in three months; a second version predicted the fifth of March."""
    url = postgres.url("plans")
    migrate(url)
    ledger = PostgresLedger.open(url)
    for story in (Story(), Story(model="other")):
        story.keep_champion(ledger)
        story.keep_champion(ledger, 1, epoch=2)
        for number in NIGHTS:
            story.keep_night(ledger, number)
            second = number == 4
            for role in (Role.CHAMPION, Role.BASELINE):
                batch = story.batch(number, int(second), epoch=1 + second, role=role)
                ledger.publish(batch, predictions(night(number), 1, ENTITIES))
    with ledger.engine.begin() as connection:
        connection.execute(text("ANALYZE perennial.prediction, perennial.prediction_batch"))
    yield ledger
    ledger.close()


def scans(ledger: PostgresLedger, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return what a query reads of predictions, and how: node and month."""
    with ledger.engine.begin() as connection:
        connection.execute(_JOIN_BY_HASH if "labelled" in query else text("SELECT 1"))
        plan = connection.scalar(text(f"EXPLAIN (FORMAT JSON) {query}"), parameters or {})
    found = [(node["Node Type"], node["Relation Name"]) for node in _nodes(plan[0]["Plan"]) if "Relation Name" in node]
    return [(node, name) for node, name in found if re.fullmatch(r"prediction_\d+m\d+", name)]


def read(ledger: PostgresLedger, query: str) -> tuple[int, set[str]]:
    """Return how many batches a query reads when it is run, and which months."""
    with ledger.engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # so few batches would be read from end to end
        plan = connection.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}"))
    run = [node for node in _nodes(plan[0]["Plan"]) if "Relation Name" in node and node["Actual Loops"]]
    batches = sum(_looked_at(node) for node in run if node["Relation Name"] == "prediction_batch")
    return batches, {node["Relation Name"] for node in run if re.fullmatch(r"prediction_\d+m\d+", node["Relation Name"])}


def _looked_at(node: dict[str, Any]) -> int:
    """Return how many rows a node looked at, those that it left out included."""
    rows: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(rows * node["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _nodes(below)


def question(name: str) -> str:
    """Return a query of the document."""
    block = re.search(rf"^```sql file={name}\n(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert block is not None
    return block[1].replace("bike_demand-20240229-0a1b2c3d", Story().version(1).id)


@pytest.mark.parametrize(
    ("name", "rows", "months"),
    [
        ("one_entity.sql", 8 * 24, {MARCH}),
        ("one_night.sql", 24 * len(ENTITIES), {MARCH}),
        ("one_version.sql", 1, {MARCH, "prediction_2024m04", "prediction_2024m05"}),
    ],
)
def test_an_analysts_question_reads_an_index(crowded: PostgresLedger, name: str, rows: int, months: set[str]) -> None:
    """Of the months it is about, and no table from end to end."""
    read = scans(crowded, question(name))
    assert {month for _, month in read} == months
    assert {node for node, _ in read} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
    with crowded.engine.connect() as connection:
        assert len(connection.execute(text(question(name))).all()) == rows


def test_one_entity_looks_at_the_nights_of_its_month(crowded: PostgresLedger) -> None:
    """And at no other night that the model had."""
    assert read(crowded, question("one_entity.sql")) == (8, {MARCH})


def test_one_version_reads_the_months_of_its_nights(crowded: PostgresLedger) -> None:
    """A version is not looked for in months in which it did not predict."""
    assert read(crowded, question("one_version.sql")) == (2, {MARCH})


def test_a_night_is_published_without_a_look_at_those_before(crowded: PostgresLedger) -> None:
    """Whether it overlaps another one is read from the last one."""
    batch = Story().batch(70, 0, epoch=1)
    statement = str(last_other(batch).compile(crowded.engine, compile_kwargs={"literal_binds": True}))
    with crowded.engine.begin() as connection:
        [last] = connection.execute(text(statement)).all()
    assert last == (day(68), day(69))
    assert read(crowded, statement) == (1, set())


def test_a_trace_reads_one_month_by_its_index(crowded: PostgresLedger) -> None:
    """However many there are."""
    key = {"model": "bike_demand", "segment": "all", "entity": "north", "event_at": day(4.5)}
    assert set(scans(crowded, str(_TRACE), key)) == {("Index Scan", MARCH)}


def test_losses_read_the_months_of_their_nights(crowded: PostgresLedger) -> None:
    """And no others, whatever the labels."""
    crowded.record_outcomes("bike_demand", "all", outcomes(night(4), 1, ENTITIES))
    bounds = {"start": day(4), "end": day(5), "as_of": day(99), "matured_before": day(99)}
    read = scans(crowded, _query("absolute"), {"model": "bike_demand", "segment": "all", **bounds})
    assert {month for _, month in read} == {MARCH}
    assert {node for node, _ in read} <= {"Index Scan", "Bitmap Heap Scan"}
