"""What only a source on S3 does: ranges, refusals, files that are replaced while they are read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from perennial.core.errors import DefinitionError, PerennialError, UnavailableError
from perennial.stores.files.s3_source import S3Source, open_s3_source
from perennial.testing.selection import selection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START = datetime(2024, 3, 1, tzinfo=UTC)


def client_of(port: int) -> S3Client:
    """Return a client of the loopback's *port* that tries once."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module")
def client() -> Iterator[S3Client]:
    """A client of an S3 on a free port, with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    made = client_of(server.get_host_and_port()[1])
    made.create_bucket(Bucket="bikes")
    yield made
    server.stop()


@dataclass
class Watched:
    """A client that remembers how many bytes were asked for, and does something before each request for a file."""

    client: S3Client
    asked: list[int] = field(default_factory=list)
    before: Any = None

    def get_object(self, **request: Any) -> Any:
        """Get an object."""
        first, _, last = str(request["Range"]).removeprefix("bytes=").partition("-")
        self.asked.append(int(last) - int(first) + 1)
        if self.before:
            self.before()
        return self.client.get_object(**request)

    def get_paginator(self, name: Any) -> Any:
        """List objects."""
        return self.client.get_paginator(name)


def put_days(client: S3Client, folder: Path) -> int:
    """Put a file with three days in three row groups and a column that nobody asks for, and return its size."""
    rows = 30_000
    moments = pa.array([START + timedelta(days=number // 10_000, seconds=number % 10_000) for number in range(rows)])
    numbers = np.random.default_rng(7).normal(size=(2, rows))
    table = pa.table({"place": ["a"] * rows, "event_at": moments, "load": numbers[0], "unread": numbers[1]})
    pq.write_table(table, folder / "days.parquet", row_group_size=10_000)
    client.upload_file(str(folder / "days.parquet"), "bikes", "ranges/days.parquet")
    return (folder / "days.parquet").stat().st_size


def test_only_what_is_asked_for_is_fetched(client: S3Client, tmp_path: Path) -> None:
    """One column of two, one day of three, and the footer: not half of the file."""
    size = put_days(client, tmp_path)
    watched = Watched(client)
    source = S3Source("bikes", "ranges", watched, scratch=tmp_path / "scratch")  # type: ignore[arg-type] # all that is used of one
    assert sum(batch.num_rows for batch in source.read(selection("days.parquet", "load"))) == 10_000
    assert 90_000 < sum(watched.asked) < size / 2
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_file_that_is_replaced_while_it_is_read_is_noticed(client: S3Client, tmp_path: Path) -> None:
    """Half of the one and half of the other would be neither."""
    put_days(client, tmp_path)

    def replace() -> None:
        client.put_object(Bucket="bikes", Key="ranges/days.parquet", Body=b"another")

    source = S3Source("bikes", "ranges", Watched(client, before=replace), scratch=tmp_path)  # type: ignore[arg-type] # the same
    with pytest.raises(UnavailableError) as error:
        list(source.read(selection("days.parquet", "load")))
    assert str(error.value) == "days.parquet: was replaced while it was read [STORE_UNAVAILABLE]"


@pytest.mark.parametrize("relation", ["../other/days.parquet", "/days.parquet", "a//b", "./days.parquet", ""])
def test_nothing_outside_of_the_prefix_is_read(client: S3Client, relation: str) -> None:
    """Keys are not paths, but who writes one means one."""
    with pytest.raises(PerennialError) as error:
        list(S3Source("bikes", "ranges", client).read(selection(relation)))
    assert str(error.value).endswith("must lie below the connection's prefix [STORE_ESCAPE]")


def test_what_is_not_there_is_refused(client: S3Client) -> None:
    """A relation without files, and a bucket that is none."""
    message = "nothing: must be a .parquet, .csv, .csv.gz or .csv.zst file, or a folder that holds some [STORE_REJECTED]"
    with pytest.raises(PerennialError) as error:
        list(S3Source("bikes", "ranges", client).read(selection("nothing")))
    assert message == str(error.value)
    with pytest.raises(PerennialError) as error:
        list(S3Source("no-bikes", "", client).read(selection("nothing")))
    assert str(error.value) == "nothing: the store refuses the request (NoSuchBucket, HTTP 404) [STORE_REJECTED]"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """A retry may help."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnavailableError) as error:
        list(S3Source("bikes", "", client_of(port)).read(selection("days.parquet")))
    assert str(error.value) == "days.parquet: the store could not be reached (EndpointConnectionError) [STORE_UNAVAILABLE]"


def test_a_csv_file_that_is_no_utf_8_is_read_again_to_say_where(client: S3Client, tmp_path: Path) -> None:
    """From the start, through the same connection."""
    client.put_object(Bucket="bikes", Key="text/demand.csv", Body=b"place,event_at,load\na,2024-03-01T01:00Z,1\n\xff,,\n")
    with pytest.raises(PerennialError) as error:
        list(S3Source("bikes", "text", client, scratch=tmp_path).read(selection("demand.csv", "load")))
    assert str(error.value) == "demand.csv: row 3 (the header is row 1): must be UTF-8, is not at byte 42 [DATA_ENCODING]"


def test_an_address_is_shown_and_one_that_is_none_is_not() -> None:
    """It may hold a secret."""
    assert repr(open_s3_source("s3://bikes/year=2024/", endpoint_url="http://127.0.0.1:1")) == "S3Source('s3://bikes/year=2024/')"
    with pytest.raises(DefinitionError) as error:
        open_s3_source("s3://key:sesame@bikes/demand", where="connection bikes")
    expected = "connection bikes: must be s3://bucket/prefix without options, in letters, digits and . - _ = # ? [DEFINITION_URL]"
    assert expected == str(error.value)
