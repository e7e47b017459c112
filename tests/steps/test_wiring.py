"""The environment, read once, into stores that work."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from perennial.core.errors import ArtifactError, RejectedError
from perennial.core.receipts import Publication
from perennial.definition.models import Definition
from perennial.ports import Selection, Stores
from perennial.steps.loop import score
from perennial.testing.story import day, night
from perennial.wiring import Settings, open_stores, signing_key

Define = Callable[..., Definition]
Retrain = Callable[[Definition, Stores, datetime], Publication]
HEX = "ab" * 32
EVERYTHING = {
    "PERENNIAL_HOME": "/srv/perennial",
    "PERENNIAL_DEFINITIONS": "/srv/models",
    "PERENNIAL_DATABASE_URL": "postgresql+psycopg://ledger",
    "PERENNIAL_ARTIFACTS": "s3://bucket/prefix",
    "PERENNIAL_S3_ENDPOINT": "http://127.0.0.1:9000",
    "PERENNIAL_SIGNING_KEY": HEX,
    "PERENNIAL_TRUSTED_TYPES": "shop.models.Own, shop.models.Other",
    "PERENNIAL_SPARK": "spark://spark:7077",
    "PERENNIAL_CONN_BIKES": "postgresql+psycopg://bikes",
    "PERENNIAL_CONN_RIDE_COUNTS": "file:///srv/rides",
}


@pytest.fixture
def settings(tmp_path: Path, ledger_url: str) -> Settings:
    """Settings with a home of their own, the test's ledger, and the source in a folder of files."""
    found = {"PERENNIAL_HOME": str(tmp_path / "home"), "PERENNIAL_DATABASE_URL": ledger_url}
    return Settings.of({**found, "PERENNIAL_CONN_BIKES": f"file://{tmp_path}/source"})


@pytest.fixture
def from_files(define: Define, tables: dict[str, pa.Table], tmp_path: Path) -> Definition:
    """The small definition on Parquet files below the connection's folder."""
    (tmp_path / "source").mkdir()
    for name, table in tables.items():
        pq.write_table(table, tmp_path / "source" / f"{name}.parquet")
    changes: dict[str, Any] = {"table": None, "path": "rides.parquet"}
    return define(source={"table": None, "path": "conditions.parquet"}, label={"source": changes})


def test_every_variable_is_read() -> None:
    """Connections by their name in lower case; what is not Perennial's is left alone."""
    assert Settings.of({**EVERYTHING, "HOME": "/root", "PERENNIAL": "x"}) == Settings(
        home=Path("/srv/perennial"),
        definitions=Path("/srv/models"),
        database_url="postgresql+psycopg://ledger",
        artifacts="s3://bucket/prefix",
        s3_endpoint="http://127.0.0.1:9000",
        signing_key=HEX,
        trusted=frozenset({"shop.models.Own", "shop.models.Other"}),
        connections={"bikes": "postgresql+psycopg://bikes", "ride_counts": "file:///srv/rides"},
        spark="spark://spark:7077",
    )


@pytest.mark.parametrize("environment", [{}, dict.fromkeys(EVERYTHING, "")])
def test_what_is_not_set_or_empty_has_its_default(environment: dict[str, str]) -> None:
    """An empty variable, as Compose passes one on, is one that is not set."""
    found = Settings.of(environment)
    home = Path.cwd() / ".perennial"
    assert (found.home, found.definitions, found.artifacts) == (home, Path.cwd() / "config" / "models", str(home / "artifacts"))
    assert (found.database_url, found.s3_endpoint, found.signing_key) == (None, None, None)
    assert (found.trusted, found.connections) == (frozenset(), {})


def test_a_child_process_reads_the_same_settings() -> None:
    """Whatever its working folder is: paths are absolute by then."""
    relative = {"PERENNIAL_HOME": "data", "PERENNIAL_ARTIFACTS": "models/bytes", "PERENNIAL_CONN_BIKES": "/srv/rides"}
    for environment in (EVERYTHING, relative):
        found = Settings.of(environment)
        assert Settings.of(found.environment()) == found
    assert Settings.of(relative).environment()["PERENNIAL_ARTIFACTS"] == str(Path.cwd() / "models" / "bytes")


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """32 bytes from the system's random source, in a file of mode 0600."""
    settings = Settings.of({"PERENNIAL_HOME": str(tmp_path / "home")})
    key = signing_key(settings)
    assert len(key) == 32
    assert signing_key(settings) == key
    assert stat.S_IMODE((tmp_path / "home" / "signing.key").stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "home") == ["signing.key"]  # noqa: PTH208 - only the names
    assert signing_key(Settings.of({"PERENNIAL_HOME": str(tmp_path / "other")})) != key


def test_twenty_at_once_make_one_key(tmp_path: Path) -> None:
    """Threads of this process, and processes beside it: all read the same bytes."""
    settings = Settings.of({"PERENNIAL_HOME": str(tmp_path)})
    code = "from perennial.wiring import settings, signing_key; print(signing_key(settings()).hex())"

    def of_process(_: int) -> str:
        environment = {**os.environ, **settings.environment()}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    with ThreadPoolExecutor(20) as pool:
        processes = [pool.submit(of_process, number) for number in range(4)]
        threads = [pool.submit(lambda: signing_key(settings).hex()) for _ in range(16)]
        found = {future.result() for future in (*threads, *processes)}
    assert len(found) == 1
    assert os.listdir(tmp_path) == ["signing.key"]  # noqa: PTH208 - only the names


@pytest.mark.parametrize("text", ["ab" * 31, "correct horse battery staple", "é" * 64])
@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_key_that_is_none_is_refused(tmp_path: Path, text: str, where: str) -> None:
    """Too short, or no hexadecimal; the message does not tell it."""
    (tmp_path / "signing.key").write_bytes(text.encode("latin-1") if where == "file" else HEX.encode())
    environment = {"PERENNIAL_HOME": str(tmp_path), **({"PERENNIAL_SIGNING_KEY": text} if where == "variable" else {})}
    with pytest.raises(RejectedError) as caught:
        signing_key(Settings.of(environment))
    place = "PERENNIAL_SIGNING_KEY" if where == "variable" else f"{tmp_path}/signing.key"
    assert str(caught.value) == f"{place}: must be at least 32 bytes in hexadecimal [SETTING_MISSING]"


def test_a_key_that_is_set_wins_over_the_file(tmp_path: Path) -> None:
    """And no file is made."""
    assert signing_key(Settings.of({"PERENNIAL_HOME": str(tmp_path), "PERENNIAL_SIGNING_KEY": HEX})) == bytes.fromhex(HEX)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_connection_names_the_variable(settings: Settings) -> None:
    """So that the reader knows what to set."""
    with open_stores(settings) as stores, pytest.raises(RejectedError) as caught:
        stores.source("ride_counts")
    assert str(caught.value) == "connection ride_counts: is not configured [SETTING_MISSING]"
    assert caught.value.fix == "set PERENNIAL_CONN_RIDE_COUNTS or make an Airflow connection ride_counts"


def test_files_on_disk_serve_as_source_and_store(settings: Settings, from_files: Definition, retrained: Retrain) -> None:
    """A retraining and a night, with settings alone; another opening finds everything again."""
    with open_stores(settings) as stores:
        assert retrained(from_files, stores, day(30)).promoted
    with open_stores(settings) as stores:
        score(from_files, night(30), stores, as_of=day(31))
        assert stores.ledger.predictions(from_files.name, within=night(30)).num_rows == 24
    assert any((settings.home / "artifacts").iterdir())
    assert list((settings.home / "scratch").iterdir()) == []


def test_the_stores_know_the_trusted_classes_and_open_each_source_once(settings: Settings) -> None:
    """So that connections to a source are kept from one read to the next."""
    with open_stores(replace(settings, trusted=frozenset({"shop.models.Own"}))) as stores:
        assert stores.trusted == {"shop.models.Own"}
        assert stores.source("bikes") is stores.source("bikes")


def test_a_source_in_duckdb_sorts_in_the_scratch_folder(settings: Settings, tmp_path: Path) -> None:
    """Where a collection finds what a killed process left."""
    with duckdb.connect(str(tmp_path / "bikes.duckdb")) as connection:
        connection.execute("CREATE TABLE demand AS SELECT 'a' AS place, '2024-03-01 01:00Z'::timestamptz AS event_at")
    chosen = Selection(
        relation="demand",
        columns=("place", "event_at"),
        entity=("place",),
        event_at="event_at",
        available_at=None,
        interval=night(1),
        as_of=day(9),
    )
    with open_stores(replace(settings, connections={"bikes": f"duckdb:///{tmp_path}/bikes.duckdb"})) as stores:
        rows = iter(stores.source("bikes").read(chosen))
        next(rows)
        lent = list((settings.home / "scratch").iterdir())
        list(rows)
    assert (len(lent), list((settings.home / "scratch").iterdir())) == (1, [])


def test_a_connection_of_the_caller_wins(settings: Settings, from_files: Definition, retrained: Retrain, tmp_path: Path) -> None:
    """Such as one of Airflow's: its folder is read, and not the variable's."""
    elsewhere = replace(settings, connections={"bikes": "file:///nowhere"})
    with open_stores(elsewhere, connections={"bikes": f"{tmp_path}/source"}.get) as stores:
        assert retrained(from_files, stores, day(30)).promoted


def test_models_of_another_installations_key_are_refused(settings: Settings, from_files: Definition, retrained: Retrain) -> None:
    """Their signature is not ours."""
    with open_stores(settings) as stores:
        retrained(from_files, stores, day(30))
    with open_stores(replace(settings, signing_key=HEX)) as stores, pytest.raises(ArtifactError, match="ARTIFACT_SIGNATURE"):
        score(from_files, night(30), stores, as_of=day(31))


@pytest.fixture
def s3_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 behind a real HTTP server on loopback, with a bucket, and what boto3 wants to know in the environment."""
    for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="bucket")
    yield endpoint
    server.stop()


def test_artifacts_live_on_s3(settings: Settings, from_files: Definition, retrained: Retrain, s3_endpoint: str) -> None:
    """A retraining and a night, every byte of which goes through HTTP; nothing is kept on disk."""
    on_s3 = replace(settings, artifacts="s3://bucket/models", s3_endpoint=s3_endpoint)
    with open_stores(on_s3) as stores:
        assert retrained(from_files, stores, day(30)).promoted
    with open_stores(on_s3) as stores:
        score(from_files, night(30), stores, as_of=day(31))
        assert stores.ledger.predictions(from_files.name, within=night(30)).num_rows == 24
        digests = {digest for digest, _ in stores.artifacts.digests()}
        assert stores.ledger.referenced() <= digests
    assert not (settings.home / "artifacts").exists()


def test_a_source_lives_on_s3(
    settings: Settings, from_files: Definition, retrained: Retrain, s3_endpoint: str, tmp_path: Path
) -> None:
    """The connection's URL says so; the endpoint is that of the artifacts."""
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    for path in (tmp_path / "source").iterdir():
        client.upload_file(str(path), "bucket", f"source/{path.name}")
        path.unlink()
    on_s3 = replace(settings, connections={"bikes": "s3://bucket/source"}, s3_endpoint=s3_endpoint)
    with open_stores(on_s3) as stores:
        assert retrained(from_files, stores, day(30)).promoted
