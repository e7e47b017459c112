"""Exports: safe in a spreadsheet, whole or not at all, on disk and on S3."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer

from perennial.core.errors import DataError, DefinitionError, RejectedError, UnavailableError
from perennial.core.receipts import Lineage, Role
from perennial.stores.exporting.export import export
from perennial.stores.exporting.file import new_file
from perennial.stores.exporting.format import write
from perennial.stores.exporting.kind import Format
from perennial.stores.exporting.s3 import PART_BYTES, new_object
from perennial.testing import MemoryLedger, Story
from perennial.testing.story import day, night, predictions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TEXTS = pa.schema([("entity", pa.string()), ("event_at", pa.timestamp("us", "UTC")), ("prediction", pa.float64())])
AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 on a free port of the loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """A client of it, with an empty bucket called exports, and credentials in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="exports")
    for item in client.list_objects_v2(Bucket="exports").get("Contents", []):
        client.delete_object(Bucket="exports", Key=item["Key"])
    return client


@pytest.fixture
def ledger() -> MemoryLedger:
    """A ledger with a night of two entities."""
    filled, story = MemoryLedger(), Story()
    story.keep_champion(filled)
    story.keep_night(filled, 0)
    filled.publish(story.batch(0), predictions(night(0), 0.5))
    return filled


def batch(*entities: str | None) -> pa.RecordBatch:
    """Return one row per entity."""
    count = len(entities)
    return pa.record_batch([pa.array(entities, pa.string()), pa.array([AT] * count), pa.array([-1.5] * count)], schema=TEXTS)


def stored(s3: S3Client) -> dict[str, bytes]:
    """Return all objects of the bucket."""
    items = s3.list_objects_v2(Bucket="exports").get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket="exports", Key=item["Key"])["Body"].read() for item in items}


def uploads(s3: S3Client) -> list[object]:
    """Return the uploads that nobody has finished or given up."""
    return list(s3.list_multipart_uploads(Bucket="exports").get("Uploads", []))


def break_down(opened: AbstractContextManager[Any], look: Callable[[], None] = lambda: None) -> None:
    """Write a part of a file, look, and fail."""
    with opened as file:
        file.write(bytes(PART_BYTES))
        look()
        raise ZeroDivisionError


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_begins_a_formula_is_made_harmless(tmp_path: Path, first: str) -> None:
    """By an apostrophe; a spreadsheet then shows it as text."""
    with (tmp_path / "out.csv").open("wb") as file:
        write(file, Format.CSV, TEXTS, [batch(f"{first}cmd|' /C calc'!A0", f"a{first}")])
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        entities = [row["entity"] for row in csv.DictReader(file)]
    assert entities == [f"'{first}cmd|' /C calc'!A0", f"a{first}"]


def test_numbers_moments_and_nothing_stay_what_they_are(tmp_path: Path) -> None:
    """A negative number begins with a minus and is no formula."""
    with (tmp_path / "out.csv").open("wb") as file:
        rows = write(file, Format.CSV, TEXTS, [batch('a"b\nc', None)])
    written = (tmp_path / "out.csv").read_text(encoding="utf-8")
    at = "2024-03-01 12:00:00.000000Z"
    assert (rows, written) == (2, f'"entity","event_at","prediction"\n"a""b\nc",{at},-1.5\n,{at},-1.5\n')


def test_a_row_has_its_lineage(ledger: MemoryLedger, tmp_path: Path) -> None:
    """In columns that are called as in the view."""
    to = tmp_path / "night.csv"
    assert export(ledger, "bike_demand", str(to), within=night(0), kind=Format.CSV) == 48
    with to.open(newline="", encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    first.pop("predicted_at")
    version = Story().version(0)
    assert first == {
        "entity": "north",
        "event_at": "2024-03-01 00:00:00.000000Z",
        "prediction": "0.5",
        "low": "",
        "high": "",
        "model": "bike_demand",
        "segment": "all",
        "role": "champion",
        "batch": Story().batch(0).id,
        "model_version": version.id,
        "promotion_epoch": "1",
        "promotion_reason": "promote of version 0",
        "promoted_by": "retrain",
        "approved_by": "",
        "evaluation": Story().evaluation(0).id,
        "snapshot": Story().snapshot(0).digest,
        "validation": Story().validation(0).id,
        "training_run": version.training_run,
        "training_snapshot": version.snapshot,
        "training_validation": version.validation,
        "code_version": "0.1.0",
    }


def test_predictions_that_expire_while_they_are_exported_are_one_of_our_errors(ledger: MemoryLedger, tmp_path: Path) -> None:
    """A collection takes them after they were read and before it was asked where they come from."""

    class Collected(MemoryLedger):
        def trace(self, model: str, segment: str, entity: str, event_at: datetime) -> list[Lineage]:
            self.expire_predictions({(model, segment): day(1)})
            return super().trace(model, segment, entity, event_at)

    with pytest.raises(UnavailableError) as caught:
        export(Collected(records=ledger.records), "bike_demand", str(tmp_path / "out.csv"), within=night(0), kind=Format.CSV)
    found = "predictions were removed while they were being exported; export again"
    assert str(caught.value) == f"export: {found} [STORE_UNAVAILABLE]"
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """Nor half of one."""
    with pytest.raises(ZeroDivisionError):
        break_down(new_file(tmp_path / "out.csv", force=False))
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    """Also with force."""
    to = tmp_path / "out.csv"
    to.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        break_down(new_file(to, force=True))
    assert (list(tmp_path.iterdir()), to.read_bytes()) == ([to], b"old")


def test_of_two_exports_to_one_name_the_slower_is_refused(tmp_path: Path) -> None:
    """It does not replace what came in the meantime."""
    to = tmp_path / "out.csv"

    def overtaken() -> None:
        with new_file(to, force=False) as file:
            file.write(b"slow")
            to.write_bytes(b"fast")

    with pytest.raises(RejectedError) as caught:
        overtaken()
    assert str(caught.value) == f"{to}: is there already [STORE_REJECTED]"
    assert (list(tmp_path.iterdir()), to.read_bytes()) == ([to], b"fast")


def test_an_object_is_sent_in_parts(s3: S3Client, endpoint: str) -> None:
    """And is whole."""
    content = os.urandom(1_000_003) * 40
    with new_object("s3://exports/a/out.csv", force=False, endpoint_url=endpoint) as file:
        for start in range(0, len(content), 3_000_000):
            file.write(content[start : start + 3_000_000])
    assert stored(s3) == {"a/out.csv": content}
    parts = s3.head_object(Bucket="exports", Key="a/out.csv", PartNumber=1)["PartsCount"]
    assert parts == -(-len(content) // 18_000_000)


def test_an_export_that_fails_leaves_no_object_and_no_parts(s3: S3Client, endpoint: str) -> None:
    """Parts that are never finished would be paid for."""
    begun: list[object] = []
    with pytest.raises(ZeroDivisionError):
        break_down(new_object("s3://exports/out.csv", force=False, endpoint_url=endpoint), lambda: begun.extend(uploads(s3)))
    assert len(begun) == 1
    assert (stored(s3), uploads(s3)) == ({}, [])


def test_an_object_that_is_there_is_replaced_by_force_only(s3: S3Client, endpoint: str, ledger: MemoryLedger) -> None:
    """Another one whose name only begins alike does not count."""
    to = "s3://exports/out.parquet"
    for key in ("out.parquet", "out.parquet.old"):
        s3.put_object(Bucket="exports", Key=key, Body=b"old")
    with pytest.raises(RejectedError) as caught:
        export(ledger, "bike_demand", to, within=night(0), kind=Format.PARQUET, endpoint_url=endpoint)
    assert str(caught.value) == f"{to}: is there already [STORE_REJECTED]"
    assert stored(s3)["out.parquet"] == b"old"
    export(ledger, "bike_demand", to, within=night(0), kind=Format.PARQUET, endpoint_url=endpoint, force=True)
    assert stored(s3)["out.parquet"][:4] == b"PAR1"
    s3.delete_object(Bucket="exports", Key="out.parquet")
    assert export(ledger, "bike_demand", to, within=night(0), kind=Format.PARQUET, endpoint_url=endpoint) == 48


def test_an_object_has_the_very_name_that_was_asked_for(s3: S3Client, endpoint: str, ledger: MemoryLedger) -> None:
    """A key may hold what begins a fragment or a query elsewhere."""
    for name in ("night#1.parquet", "night?.parquet"):
        export(ledger, "bike_demand", f"s3://exports/{name}", within=night(0), kind=Format.PARQUET, endpoint_url=endpoint)
    assert sorted(stored(s3)) == ["night#1.parquet", "night?.parquet"]


def test_an_address_that_is_none_is_refused(ledger: MemoryLedger) -> None:
    """It is not repeated, since it may hold a secret."""
    with pytest.raises(DefinitionError) as caught:
        export(ledger, "bike_demand", "s3://Not A Bucket/x.csv", within=night(0), kind=Format.CSV)
    expected = "--to: must be s3://bucket/prefix without options, in letters, digits and . - _ = # ? [DEFINITION_URL]"
    assert expected == str(caught.value)


def test_nothing_to_export_is_an_error(ledger: MemoryLedger, tmp_path: Path) -> None:
    """And no file."""
    within = type(night(0))(day(5), day(6))
    with pytest.raises(DataError) as caught:
        export(ledger, "bike_demand", str(tmp_path / "out.csv"), role=Role.SHADOW, within=within, kind=Format.CSV)
    found = "there are no current predictions of bike_demand (shadow) in 2024-03-06T00:00:00Z/2024-03-07T00:00:00Z"
    assert str(caught.value) == f"export: {found} [DATA_EMPTY]"
    assert list(tmp_path.iterdir()) == []
