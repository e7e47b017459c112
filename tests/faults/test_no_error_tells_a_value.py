"""Promise 15: a value planted in every row that a data fault is about stands in no error, no traceback and no log."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from perennial.core.codes import Code
from perennial.core.errors import PerennialError
from perennial.core.receipts import Purpose
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Selection, Stores
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.steps.extract import extract
from perennial.steps.loop import retrain
from perennial.steps.validate import validate
from perennial.stores.files.folder_source import FileSource
from perennial.stores.ledger import PostgresLedger
from perennial.stores.sql.source import SqlSource
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import FIRST_DAY, Story, day, night

pytestmark = pytest.mark.faults

KEY = b"0123456789abcdef0123456789abcdef"
TEXT, NUMBER, DIGITS, DATE = "Kanarienvogel", 7319731.9375, "98765432109876543210", "03/04/2077"
PASSWORD = "correct-horse-battery"
PLANTED = (TEXT, str(NUMBER), DIGITS, DATE, PASSWORD, KEY.decode(), KEY.hex())
MOMENT = pa.timestamp("us", "UTC")
HEADER = "city,event_at,available_at,temperature,humidity,wet"
AT = "2024-03-01T01:00:00Z"
GOOD = f"{TEXT},{AT},{AT},{NUMBER},1.5,0"
COLUMNS = {
    "city": "text",
    "event_at": "moment",
    "available_at": "moment",
    "temperature": "number",
    "humidity": "number",
    "wet": "integer",
}
WITHOUT_VALUES = {Code.PROFILE_EDGES, Code.DATA_CARDINALITY}
"""Faults about counts, not about rows."""


@dataclass(frozen=True)
class Kit:
    """What a case works on."""

    small: dict[str, Any]
    stores: Stores
    folder: Path
    url: str
    ledger: PostgresLedger

    def define(self, **changes: Any) -> Definition:
        """Return the small definition with changes."""
        return Definition.model_validate({**self.small, **changes})

    def extract(self, definition: Definition, source: Any) -> None:
        """Extract the first night of *source*."""
        stores = replace(self.stores, source=lambda _: source)
        extract(definition, night(0), stores, purpose=Purpose.SCORE, as_of=day(1))

    def extract_file(self, name: str, content: bytes, **more: Any) -> None:
        """Extract the first night of one file."""
        (self.folder / name).write_bytes(content)
        relation = {key: value for key, value in self.small["source"].items() if key != "table"}
        self.extract(self.define(source={**relation, "path": name, **more}), FileSource(self.folder))

    def csv(self, *rows: str, header: str = HEADER) -> None:
        """Extract the first night of a CSV file with declared columns."""
        self.extract_file("rows.csv", "\n".join([header, *rows, ""]).encode(), columns=COLUMNS)

    def query(self, source: SqlSource, query: str) -> None:
        """Extract the first night of a query."""
        relation = {key: value for key, value in self.small["source"].items() if key != "table"}
        self.extract(self.define(source={**relation, "query": query}), source)

    def train(self, rides: list[float], **changes: Any) -> None:
        """Train on thirty days with these labels, again and again."""
        made = tables(world(seed=7, days=30, start=FIRST_DAY.date()))
        values = (rides * made["rides"].num_rows)[: made["rides"].num_rows]
        made["rides"] = made["rides"].set_column(made["rides"].column_names.index("rides"), "rides", pa.array(values))
        stores = replace(self.stores, source=lambda _: MemorySource(made))
        kept = [{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "wet"}}]
        definition = self.define(**{"expectations": kept, **changes})
        retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests")

    def publish(self, **columns: pa.Array) -> None:
        """Publish a night of two rows, one of which is planted."""
        good = {
            "entity": pa.array([TEXT, "north"]),
            "event_at": pa.array([day(0), day(0)], MOMENT),
            "prediction": pa.array([NUMBER, 1.0]),
        }
        self.publish_rows([pa.record_batch({**good, **columns})])

    def publish_rows(self, rows: list[pa.RecordBatch]) -> None:
        """Publish a night."""
        self.ledger.publish(Story().batch(0), rows)

    def outcomes(self, **columns: pa.Array) -> None:
        """Record two labels, one of which is planted."""
        good = {
            "entity": pa.array([TEXT, "north"]),
            "event_at": pa.array([day(0), day(0)], MOMENT),
            "value": pa.array([NUMBER, 1.0]),
            "available_at": pa.array([day(1), day(1)], MOMENT),
        }
        self.ledger.record_outcomes("m", "all", [pa.record_batch({**good, **columns})])


@dataclass(frozen=True)
class Lying:
    """A source that yields other rows than it was asked for."""

    rows: tuple[tuple[str, int], ...]

    def read(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        """Yield them."""
        moments = pa.array([day(number) for _, number in self.rows], MOMENT)
        found = {"city": pa.array([city for city, _ in self.rows]), "event_at": moments, "available_at": moments}
        others = {name: pa.array([NUMBER] * len(self.rows)) for name in selection.columns if name not in found}
        yield pa.record_batch({name: (found | others)[name] for name in selection.columns})


def parquet(kit: Kit, *, spoil: Callable[[bytes], bytes] = bytes, **columns: pa.Array) -> None:
    """Extract the first night of a Parquet file."""
    good = {
        "city": pa.array([TEXT]),
        "event_at": pa.array([day(0)], MOMENT),
        "available_at": pa.array([day(0)], MOMENT),
        **{name: pa.array([NUMBER]) for name in ("temperature", "humidity", "wet")},
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({**good, **columns}), sink, compression="none")
    kit.extract_file("rows.parquet", spoil(sink.getvalue().to_pybytes()))


def postgres(kit: Kit, column: str) -> None:
    """Extract from PostgreSQL what it cannot compute: its own message quotes the value."""
    query = f"""
        SELECT text '{TEXT}' AS city, timestamptz '{AT}' AS event_at, timestamptz '{AT}' AS available_at,
            {column} AS temperature, 1.0::float8 AS humidity, 0 AS wet
    """
    kit.query(SqlSource(kit.url), query)


def sqlite(kit: Kit, **values: object) -> None:
    """Extract from SQLite, where a column holds what it likes."""
    good = {"city": TEXT, "event_at": AT, "available_at": AT, "temperature": NUMBER, "humidity": 1.5, "wet": 0}
    engine = sa.create_engine(f"sqlite:///{kit.folder / 'rows.db'}")
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE conditions (city TEXT, event_at TEXT, available_at TEXT, temperature REAL, humidity REAL, wet)")
        )
        connection.execute(
            sa.text("INSERT INTO conditions VALUES (:city, :event_at, :available_at, :temperature, :humidity, :wet)"),
            {**good, **values},
        )
    engine.dispose()
    kit.extract(kit.define(), SqlSource(f"sqlite:///{kit.folder / 'rows.db'}"))


def unchecked(kit: Kit) -> None:
    """Validate a night to which no expectation applies."""
    on_train = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "rides"}, "on": "train"}
    definition = kit.define(expectations=[on_train])
    stores = replace(kit.stores, source=lambda _: Lying(((TEXT, 0),)))
    snapshot = extract(definition, night(0), stores, purpose=Purpose.SCORE, as_of=day(1))
    validate(definition, night(0), stores, snapshot=snapshot)


REFUSING = {
    "quality": {"tolerated": "0%", "tolerated_training": "0%"},
    "expectations": [
        {"type": "expect_column_values_to_be_between", "arguments": {"column": "rides", "max_value": 1}, "on": "train"}
    ],
}
CASES: dict[str, tuple[Code, Callable[[Kit], None]]] = {
    "csv: a field too many": (Code.CSV_RAGGED, lambda kit: kit.csv(GOOD, f"{GOOD},{TEXT}")),
    "csv: a word for missing": (Code.DATA_NULL_TOKEN, lambda kit: kit.csv(f"{TEXT},{AT},{AT},NA,{NUMBER},0")),
    "csv: day or month": (Code.DATA_DATE_AMBIGUOUS, lambda kit: kit.csv(f"{TEXT},{DATE},{AT},{NUMBER},1,0")),
    "csv: too many digits": (Code.DATA_INT_PRECISION, lambda kit: kit.csv(f"{TEXT},{AT},{AT},{NUMBER},1,{DIGITS}")),
    "csv: text for a number": (Code.SCHEMA_TYPE, lambda kit: kit.csv(f"{TEXT},{AT},{AT},{TEXT},1,0")),
    "csv: text for a moment": (Code.SCHEMA_TYPE, lambda kit: kit.csv(f"{TEXT},{TEXT},{AT},{NUMBER},1,0")),
    "csv: no timezone": (Code.TIME_NAIVE, lambda kit: kit.csv(f"{TEXT},2024-03-01T01:00:00,{AT},{NUMBER},1,0")),
    "csv: a column too many": (Code.SCHEMA_EXTRA, lambda kit: kit.csv(f"{GOOD},{TEXT}", header=f"{HEADER},note")),
    "csv: a column missing": (
        Code.SCHEMA_MISSING,
        lambda kit: kit.csv(f"{TEXT},{AT},{AT},{NUMBER},1", header=HEADER.removesuffix(",wet")),
    ),
    "csv: a column twice": (Code.SCHEMA_DUPLICATE, lambda kit: kit.csv(f"{GOOD},{TEXT}", header=f"{HEADER},city")),
    "csv: quotes that never end": (Code.FILE_CORRUPT, lambda kit: kit.csv(GOOD, f'"{TEXT},{NUMBER}')),
    "csv: not UTF-8": (
        Code.DATA_ENCODING,
        lambda kit: kit.extract_file(
            "rows.csv", f"{HEADER}\n{TEXT}\xfc,{AT},{AT},{NUMBER},1,0\n".encode("latin-1"), columns=COLUMNS
        ),
    ),
    "parquet: cut off": (Code.FILE_CORRUPT, lambda kit: parquet(kit, spoil=lambda content: content[:-20])),
    "parquet: text for a number": (Code.SCHEMA_TYPE, lambda kit: parquet(kit, event_at=pa.array([TEXT]))),
    "parquet: no timezone": (Code.TIME_NAIVE, lambda kit: parquet(kit, event_at=pa.array([day(0).replace(tzinfo=None)]))),
    "postgres: text cast to a number": (Code.STORE_REJECTED, lambda kit: postgres(kit, f"text '{TEXT}'::float8")),
    "postgres: a number too large": (Code.STORE_REJECTED, lambda kit: postgres(kit, f"numeric '{DIGITS}'::int")),
    "sqlite: text for a number": (Code.SCHEMA_TYPE, lambda kit: sqlite(kit, temperature=TEXT)),
    "sqlite: text for a moment": (Code.SCHEMA_TYPE, lambda kit: sqlite(kit, event_at=TEXT)),
    "source: out of order": (Code.DATA_UNORDERED, lambda kit: kit.extract(kit.define(), Lying(((TEXT, 0), ("A", 0))))),
    "source: outside": (Code.TIME_OUT_OF_INTERVAL, lambda kit: kit.extract(kit.define(), Lying(((TEXT, -3),)))),
    "source: from the future": (Code.TIME_FUTURE, lambda kit: kit.extract(kit.define(), Lying(((TEXT, 3),)))),
    "validate: no checks": (Code.DATA_UNCHECKED, unchecked),
    "train: labels that are infinite": (Code.DATA_NONFINITE, lambda kit: kit.train([NUMBER, math.inf])),
    "train: labels that are all one": (Code.TRAIN_DEGENERATE, lambda kit: kit.train([NUMBER])),
    "train: refused": (Code.DATA_REFUSED, lambda kit: kit.train([NUMBER], **REFUSING)),
    "publish: one key twice": (Code.DATA_DUPLICATE_KEY, lambda kit: kit.publish(entity=pa.array([TEXT, TEXT]))),
    "publish: no number": (Code.PREDICTION_NONFINITE, lambda kit: kit.publish(prediction=pa.array([NUMBER, math.nan]))),
    "publish: text for a number": (Code.SCHEMA_TYPE, lambda kit: kit.publish(prediction=pa.array([TEXT, "1"]))),
    "publish: NUL": (Code.DATA_NUL, lambda kit: kit.publish(entity=pa.array([f"{TEXT}\0", "north"]))),
    "publish: too long": (Code.DATA_TOO_LARGE, lambda kit: kit.publish(entity=pa.array([TEXT * 10_000, "north"]))),
    "publish: nothing": (Code.DATA_EMPTY, lambda kit: kit.publish_rows([])),
    "outcomes: infinite": (Code.DATA_NONFINITE, lambda kit: kit.outcomes(value=pa.array([NUMBER, math.inf]))),
    "outcomes: NUL": (Code.DATA_NUL, lambda kit: kit.outcomes(entity=pa.array([f"{TEXT}\0", "north"]))),
}


@pytest.fixture
def kit(small: dict[str, Any], ledger_url: str, tmp_path: Path) -> Iterator[Kit]:
    """Empty stores in memory, and a ledger with a champion and a night."""
    stores = Stores(
        source=lambda _: MemorySource({}),
        artifacts=MemoryArtifacts(),
        ledger=MemoryLedger(),
        signing_key=KEY,
        scratch=tmp_path,
    )
    with closing(PostgresLedger.open(ledger_url)) as ledger:
        Story().keep_champion(ledger)
        Story().keep_night(ledger, 0)
        yield Kit(small, stores, tmp_path, ledger_url, ledger)


def leaks(text: str) -> list[str]:
    """Return what of the planted values stands in *text*."""
    return [value for value in PLANTED if value in text]


@pytest.mark.parametrize("name", CASES)
def test_promise_15_no_data_fault_tells_a_value(name: str, kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    """The error is the expected one; it, its traceback as a task's log shows it, and every log are silent about the row."""
    caplog.set_level(logging.DEBUG)
    code, provoke = CASES[name]
    with pytest.raises(PerennialError) as caught:
        provoke(kit)
    assert code in {fault.code for fault in caught.value.faults}
    told = "".join(traceback.format_exception(caught.value, chain=True))
    assert leaks("\n".join(line for line in told.splitlines() if not line.startswith("    "))) == []
    assert leaks("\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)) == []


def test_every_code_about_data_is_provoked() -> None:
    """A new code needs a case here."""
    kinds = ("CSV_", "DATA_", "FILE_", "PREDICTION_", "PROFILE_", "SCHEMA_", "TIME_", "TRAIN_")
    about_data = {code for code in Code if code.startswith(kinds)}
    assert about_data - {code for code, _ in CASES.values()} == WITHOUT_VALUES


def test_promise_15_a_server_that_is_not_there_is_not_told_of_with_its_password(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens at that port."""
    caplog.set_level(logging.DEBUG)
    source = SqlSource(f"postgresql+psycopg://ana:{PASSWORD}@127.0.0.1:1/x")
    with pytest.raises(PerennialError) as caught:
        kit.extract(kit.define(), source)
    assert caught.value.code is Code.STORE_UNAVAILABLE
    assert leaks("".join(traceback.format_exception(caught.value)) + repr(source)) == []
    assert leaks("\n".join(record.getMessage() for record in caplog.records)) == []


def test_the_planted_values_are_what_drivers_quote(ledger_url: str) -> None:
    """The search is worth something: PostgreSQL's own message has the value."""
    with psycopg.connect(ledger_url.replace("+psycopg", "")) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(f"SELECT text '{TEXT}'::float8")
    assert leaks(str(caught.value)) == [TEXT]
