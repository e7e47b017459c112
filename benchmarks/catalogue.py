"""Whether questions and publications stay as fast as they are when a ledger has the catalogue of a billion predictions.

    python benchmarks/catalogue.py [--batches 27000,270000,2700000] [--asked 50]

The catalogue is filled by statements: months, batches and all receipts of every night, and a few predictions a batch. A size has
ten times the batches of the one before, by more models and more nights alike. Then each of the three questions of
``docs/operations.md`` is asked of many models over one connection, and of a new connection; and the next night of as many models is
published, and published again by another attempt.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from ledger_filling import fill_by

QUESTIONS = ("one_entity", "one_night", "one_version")
ROLES = 2
MODELS_A_NIGHT = 0.41
"""Models beside nights: 750 of 1,830, five years, are 2.7 million batches."""
TRAINED_EVERY = 30
LEAP_DAY = 33
"""The night of 2024-02-29, counted from the end; tonight is the last one."""
TONIGHT = datetime(2024, 4, 1, tzinfo=UTC)
_STATEMENTS = Path(__file__).with_suffix(".sql")
_OPERATIONS = Path(__file__).parents[1] / "docs/operations.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a ledger of each size, ask and publish, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", default="27000,270000,2700000", help="sizes, by commas")
    parser.add_argument("--asked", type=int, default=50, help="of how many models each question is asked")
    asked = parser.parse_args(arguments)
    sizes = [_size(int(batches), asked.asked) for batches in asked.batches.split(",")]
    print("\n".join(table(sizes)))


def table(sizes: Sequence[dict[str, Any]]) -> list[str]:
    """Return what was measured at each size, with the ratio of the largest to the smallest, as lines of Markdown."""
    lines = [
        "| | " + " | ".join(f"{size['batches']:,} batches" for size in sizes) + " | ratio |",
        "| --- |" + " ---: |" * (len(sizes) + 1),
    ]
    told = ("models", "months", "ledger, MB", "fill, s")
    lines += [f"| {name} | " + " | ".join(f"{size[name]:,.0f}" for size in sizes) + " | |" for name in told]
    for unit, digits in (("pages", 0), ("ms", 2)):
        for name in sizes[0][unit]:
            found = [size[unit][name] for size in sizes]
            cells = " | ".join(f"{one:.{digits}f}" for one in found)
            lines.append(f"| {name}, {unit} | {cells} | {found[-1] / found[0]:.2f} |")
    for name in QUESTIONS:
        lines += ["", f"{name}: {sizes[-1]['plans'][name]}"]
    return lines


def _size(batches: int, asked: int) -> dict[str, Any]:
    from perennial import wiring

    nights = max(62, round(math.sqrt(batches / ROLES / MODELS_A_NIGHT)))
    models = max(2, round(batches / ROLES / nights))
    with (
        TemporaryDirectory(prefix="perennial-") as folder,
        wiring.databases(wiring.Settings.of({"PERENNIAL_HOME": folder})) as running,
    ):
        address = running.ledger.replace("+psycopg", "")
        began = time.perf_counter()
        fill(address, models=models, nights=nights)
        taken = time.perf_counter() - began
        names = [f"model_{1 + place * models // min(asked, models):04}" for place in range(min(asked, models))]
        plans, pages, took = ask(address, names, nights)
        published = publish(running.ledger, names, nights)
        pages |= published[0]
        took |= published[1]
        months, size = _counted(address)
        told = {"batches": models * (nights - 1) * ROLES, "models": models, "months": months, "ledger, MB": size / 1e6}
        made = {**told, "fill, s": taken, "pages": pages, "ms": took, "plans": plans}
        print(made, flush=True)
        return made


def fill(address: str, *, models: int, nights: int) -> None:
    """Fill the empty ledger behind *address* with *nights* nights of each of *models* models; the last is not predicted yet."""
    shown = {"findings": "[]", "sentence": "better", "metrics": "{}", "gates": "[]", "signals": "[]"}
    finish = ("VACUUM (ANALYZE)", "CHECKPOINT")
    fill_by(_STATEMENTS, address, finish=finish, models=models, nights=nights, shift=_shift(nights), **shown)


def ask(address: str, models: Sequence[str], nights: int) -> tuple[dict[str, str], dict[str, float], dict[str, float]]:
    """Return for each question how it is answered, the pages it reads, and the milliseconds it takes, over a new connection too.

    All are medians over *models*; of times over one connection, the best of five. How many pages are read does not depend on what
    else the machine does.
    """
    plans: dict[str, str] = {}
    pages: dict[str, float] = {}
    took: dict[str, float] = {}
    for name in QUESTIONS:
        texts = [_question(name, model, nights) for model in models]
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(texts[0])
            took[name] = median(min(_milliseconds(connection, one) for _ in range(5)) for one in texts)
            explained = [_explained(connection, one) for one in texts]
            plans[name], pages[name] = _plan(explained[-1]), median(map(_pages_of, explained))
        took[f"{name}, new connection"] = median(_first(address, one) for one in texts)
    return plans, pages, took


def publish(url: str, models: Sequence[str], nights: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the pages and the milliseconds of publishing the next night, and of another attempt at it: medians over *models*."""
    from perennial.stores.ledger import PostgresLedger

    ledger = PostgresLedger.open(url)
    pages: dict[str, list[float]] = {"publish": [], "publish another attempt": []}
    took: dict[str, list[float]] = {name: [] for name in pages}
    try:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as watching:
            for model in models:
                for attempt, name in enumerate(took):
                    batch, predictions = _tonight(model, nights, attempt)
                    before = _pages(ledger, watching)
                    began = time.perf_counter()
                    ledger.publish(batch, predictions)
                    took[name].append((time.perf_counter() - began) * 1e3)
                    pages[name].append(_pages(ledger, watching) - before)
    finally:
        ledger.close()
    return _medians(pages), _medians(took)


def _medians(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in found.items()}


def _tonight(model: str, nights: int, attempt: int) -> tuple[Any, Iterator[Any]]:
    """Return the batch of the night that is not predicted yet, named as its receipts were by the statements."""
    import pyarrow as pa

    from perennial.core.interval import Interval
    from perennial.core.receipts import PredictionBatch, Role

    key = f"{int(model[-4:])} {nights - 1}"
    batch = PredictionBatch(
        id=_md5(f"batch {key} {attempt}"),
        model=model,
        interval=Interval(TONIGHT, TONIGHT + timedelta(days=1)),
        role=Role.CHAMPION,
        version=f"{model}-{_version(nights, nights - 1)}",
        epoch=(nights - 1 + _shift(nights)) // TRAINED_EVERY + 1,
        snapshot=_md5(f"a {key}") + _md5(f"b {key}"),
        validation=_md5(f"night {key}"),
        rows=4,
    )
    moments = pa.array([TONIGHT + timedelta(hours=hour) for hour in (6, 18, 6, 18)], pa.timestamp("us", "UTC"))
    entities, figures = pa.array(["north", "north", "south", "south"]), pa.array([1.0, 2.0, 3.0, 4.0])
    return batch, iter([pa.record_batch({"entity": entities, "event_at": moments, "prediction": figures})])


def _question(name: str, model: str, nights: int) -> bytes:
    block = re.search(rf"^```sql file={name}\.sql\n(.*?)^```$", _OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None, name
    text = (
        block[1]
        .replace("bike_demand-20240229-0a1b2c3d", f"{model}-{_version(nights, nights - LEAP_DAY)}")
        .replace("bike_demand", model)
    )
    return text.encode()


def _version(nights: int, night: int) -> str:
    return _md5(str((night + _shift(nights)) // TRAINED_EVERY))[:8]


def _shift(nights: int) -> int:
    """Return by how much nights are counted on, so that models are trained at the end of February 2024."""
    return -(nights - LEAP_DAY) % TRAINED_EVERY


def _milliseconds(connection: psycopg.Connection[Any], question: bytes) -> float:
    began = time.perf_counter()
    rows = connection.execute(question).fetchall()
    taken = (time.perf_counter() - began) * 1e3
    assert rows
    return taken


def _first(address: str, question: bytes) -> float:
    """Return what the first question over a connection takes, without connecting."""
    with psycopg.connect(address, autocommit=True) as connection:
        return _milliseconds(connection, question)


def _explained(connection: psycopg.Connection[Any], question: bytes) -> dict[str, Any]:
    row = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + question).fetchone()
    assert row is not None
    explained: dict[str, Any] = row[0][0]
    return explained


def _pages_of(explained: dict[str, Any]) -> int:
    """Return how many pages of 8 KiB a question read, from memory or from the disk."""
    return int(explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"])


def _plan(explained: dict[str, Any]) -> str:
    """Return in short what a question reads and how, with how many months were planned for and not read."""
    nodes = [node for node in _nodes(explained["Plan"]) if "Relation Name" in node]
    months = [node for node in nodes if node["Relation Name"].startswith("prediction_2")]
    read = [node for node in months if node["Actual Loops"]]
    kinds = {
        f"{node['Node Type']} on {re.sub(r'prediction_[0-9]+m[0-9]+', 'a month', node['Relation Name'])}"
        for node in nodes
        if node["Actual Loops"]
    }
    times = f"planned in {explained['Planning Time']:.2f} ms, run in {explained['Execution Time']:.2f} ms"
    return f"{', '.join(sorted(kinds))}; {len(months)} months planned for, {len(read)} read; {times}"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _nodes(below)


def _counted(address: str) -> tuple[int, int]:
    with psycopg.connect(address) as connection:
        months = "SELECT count(*), pg_database_size(current_database()) FROM pg_inherits WHERE inhparent = %s::regclass"
        row = connection.execute(months, ["perennial.prediction"]).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])


def _pages(ledger: Any, watching: psycopg.Connection[Any]) -> int:  # noqa: ANN401 - Perennial may not be imported here
    """Return how many pages the only connection of *ledger* has read so far, from memory or from the disk. It is free."""
    with ledger.engine.begin() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid(), pg_stat_force_next_flush()").one()[0]
    row = watching.execute("SELECT sum(hits + reads) FROM pg_stat_get_backend_io(%s)", [pid]).fetchone()
    assert row is not None
    return int(row[0])


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    main()
