"""doctor, gc, logs and down."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import Result

from perennial.cli.checkup import checkup
from perennial.cli.checkup_software import airflow, embedded
from perennial.cli.checkup_stores import wires
from perennial.cli.finding import State
from perennial.wiring import Settings

Call = Callable[..., Result]
Read = Callable[[Result], Any]
Found = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def found(call: Call) -> Found:
    """Return what doctor says of each thing, and assert its exit code."""

    def look(code: int, **environment: str) -> dict[str, tuple[str, str]]:
        result = call("doctor", "--json", **environment)
        assert result.exit_code == code, result.output
        return {row["what"]: (row["state"], row["found"]) for row in json.loads(result.stdout)}

    return look


def test_a_healthy_installation_has_nothing_wrong(found: Found, company: Any) -> None:
    """Every part is named with its version or place; what is only unsafe does not fail."""
    parts = found(0)

    assert [what for what, (state, _) in parts.items() if state == "wrong"] == []
    assert parts["definitions"] == ("right", f"1 right, 0 wrong in {company.environment['PERENNIAL_DEFINITIONS']}")
    assert re.fullmatch(r"PostgreSQL \d+\.\d+, PERENNIAL_DATABASE_URL", parts["database"][1])
    assert re.fullmatch(r"schema version \d{4}", parts["ledger"][1])
    assert parts["source of small"] == ("right", "conditions and rides can be read")
    assert parts["local Airflow"] == ("right", "does not run")


def test_the_table_has_a_row_for_each_thing(call: Call, found: Found) -> None:
    """Text and JSON name the same things."""
    said = call("doctor").stdout

    assert [what for what in found(0) if not re.search(rf"^{re.escape(what)} +│ (right|unsafe) ", said, re.MULTILINE)] == []


def test_a_doctors_probe_leaves_no_artifact(call: Call, company: Any) -> None:
    """What it writes to try the store, it removes."""
    folder = Path(company.environment["PERENNIAL_HOME"]) / "artifacts"
    before = sorted(folder.rglob("*"))

    call("doctor")

    assert [path for path in folder.rglob("*") if path.is_file() and path not in before] == []


def test_everything_is_looked_at_although_the_ledger_cannot_be_reached(found: Found) -> None:
    """The first fault hides nothing, and no password is shown."""
    parts = found(1, PERENNIAL_DATABASE_URL="postgresql://ada:hunter2@127.0.0.1:1/ledger")

    assert parts["database"][0] == parts["ledger"][0] == "wrong"
    assert parts["artifacts"][0] == parts["source of small"][0] == "right"
    assert "hunter2" not in str(parts)


def test_a_ledger_without_tables_names_the_command(found: Found, empty_url: str) -> None:
    """The database is right, the ledger in it is not."""
    parts = found(1, PERENNIAL_DATABASE_URL=empty_url)

    assert parts["database"][0] == "right"
    assert parts["ledger"][0] == "wrong"
    assert parts["ledger"][1].endswith("found no tables; run `perennial migrate` [LEDGER_VERSION]")


def test_a_source_without_its_table_is_wrong(found: Found, empty_url: str) -> None:
    """The others are looked at all the same."""
    parts = found(1, PERENNIAL_CONN_BIKES=empty_url)

    assert parts["source of small"][0] == "wrong"
    assert parts["ledger"][0] == "right"


def test_a_broken_definition_points_to_check(found: Found, tmp_path: Path) -> None:
    """The faults themselves are what check tells."""
    (tmp_path / "broken.yml").write_text("name: broken\n")

    assert found(1, PERENNIAL_DEFINITIONS=str(tmp_path))["definitions"] == (
        "wrong",
        f"0 right, 1 wrong in {tmp_path}; see perennial check",
    )


def test_a_home_that_is_a_file_hides_nothing(found: Found, tmp_path: Path) -> None:
    """What does not need the home is looked at, and the exit code is of a finding."""
    (tmp_path / "file").touch()
    parts = found(1, PERENNIAL_HOME=str(tmp_path / "file"))

    assert parts["home"] == ("wrong", f"{tmp_path / 'file'} is not a folder; set PERENNIAL_HOME")
    assert parts["artifacts"][0] == "wrong"
    assert parts["ledger"][0] == parts["source of small"][0] == "right"


@pytest.mark.parametrize("key", ["not hexadecimal", "abcd"])
def test_a_signing_key_that_is_no_key_is_wrong(found: Found, key: str) -> None:
    """The key is never repeated."""
    state, told = found(1, PERENNIAL_SIGNING_KEY=key)["signing key"]

    assert (state, key in told) == ("wrong", False)


def test_a_key_file_that_others_may_read_is_wrong(tmp_path: Path) -> None:
    """It authenticates models, so nobody else may have it."""
    path = tmp_path / "signing.key"
    path.write_text("ab" * 32)
    path.chmod(0o644)
    parts = {item.what: item for item in checkup(Settings.of({"PERENNIAL_HOME": str(tmp_path), "PERENNIAL_DATABASE_URL": "x"}))}
    path.chmod(0o600)
    again = {item.what: item for item in checkup(Settings.of({"PERENNIAL_HOME": str(tmp_path), "PERENNIAL_DATABASE_URL": "x"}))}

    assert (parts["signing key"].state, parts["signing key"].found) == (State.WRONG, f"others may read {path}: chmod 600")
    assert again["signing key"].state is State.UNSAFE


@pytest.mark.parametrize(
    ("version", "state"),
    [("3.3.2", State.UNSAFE), ("3.4.0rc1", State.UNSAFE), ("3.4.0", State.RIGHT), ("3.10.1", State.RIGHT), (None, State.WRONG)],
)
def test_an_airflow_before_the_fixes_is_unsafe(version: str | None, state: State) -> None:
    """Both advisories are named where they apply."""
    finding = airflow(version)

    assert finding.state is state
    assert ("CVE-2026-82337 and CVE-2026-101031" in finding.found) == (state is State.UNSAFE)


def test_the_embedded_postgresql_is_needed_only_without_another_one() -> None:
    """Without the wheel and without a URL nothing can run."""
    states = [embedded(found, needed=needed).state for found in ("0.6.0", None) for needed in (True, False)]

    assert states == [State.RIGHT, State.RIGHT, State.WRONG, State.RIGHT]


@pytest.mark.parametrize(
    ("url", "unsafe"),
    [
        ("postgresql://u:hunter2@db.example.com/x", True),
        ("postgresql://u:hunter2@db.example.com/x?sslmode=prefer", True),
        ("postgresql://u:hunter2@db.example.com/x?sslmode=verify-full", False),
        ("postgresql+psycopg://u@10.0.0.7:5432/x", True),
        ("postgresql://u:hunter2@127.0.0.1/x", False),
        ("postgresql://u:hunter2@localhost/x", False),
        ("postgresql://u@[::1]/x", False),
        ("postgresql+psycopg://postgres@/x?host=/tmp/socket", False),
        ("postgresql+psycopg://postgres@/x?host=db.example.com", True),
        ("postgresql://u:hunter2@[::1/x", False),
    ],
)
def test_a_database_far_away_without_tls_is_unsafe(url: str, unsafe: bool) -> None:
    """On this machine nobody listens on the wire."""
    findings = list(wires(Settings.of({"PERENNIAL_DATABASE_URL": url})))

    assert bool(findings) == unsafe
    assert "hunter2" not in str(findings)


def test_an_s3_far_away_without_tls_is_unsafe() -> None:
    """The loopback of a test server is not."""
    told = [list(wires(Settings.of({"PERENNIAL_S3_ENDPOINT": url}))) for url in ("http://s3.lan:9000", "http://127.0.0.1:9000")]

    assert [[item.what for item in findings] for findings in told] == [["PERENNIAL_S3_ENDPOINT"], []]


def test_garbage_is_counted_and_removed(call: Call, read: Read, company: Any, own_ledger: str, tmp_path: Path) -> None:
    """A dry run removes nothing; what the ledger leads to is kept; predictions go when their retention is over."""
    good = (Path(company.environment["PERENNIAL_DEFINITIONS"]) / "small.yml").read_text()
    (tmp_path / "small.yml").write_text(good + "publish: {retention: 30d}\n")
    folder = Path(company.environment["PERENNIAL_HOME"]) / "artifacts"
    kept = sum(path.is_file() for path in folder.rglob("*"))
    orphan = _orphan(company)

    dry = call("gc", "--dry-run", PERENNIAL_DEFINITIONS=str(tmp_path))
    counted = read(call("gc", "--dry-run", "--json", PERENNIAL_DEFINITIONS=str(tmp_path)))
    done = read(call("gc", "--json", PERENNIAL_DEFINITIONS=str(tmp_path)))

    predictions = done["predictions"]
    assert dry.stdout == f"1 artifacts and {predictions} predictions would be removed, {kept} artifacts kept\n"
    assert counted == done
    assert (done["artifacts"], done["kept"]) == ([orphan], kept)
    assert done["predictions"] > 0
    with psycopg.connect(own_ledger.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM perennial.prediction").fetchone() == (0,)


def test_logs_are_the_ends_of_the_files(call: Call, read: Read, tmp_path: Path) -> None:
    """That of the start comes first, then the components'."""
    here = {"PERENNIAL_HOME": str(tmp_path)}
    folder = tmp_path / "airflow" / "logs"
    folder.mkdir(parents=True)
    (tmp_path / "up.log").write_text("a fault\n")
    (folder / "scheduler.log").write_text("one\ntwo\nthree\n")

    said = call("logs", "--lines", "2", **here).stdout
    told = read(call("logs", "--lines", "1", "--json", **here))

    assert said == f"== {tmp_path / 'up.log'}\na fault\n== {folder / 'scheduler.log'}\ntwo\nthree\n"
    assert told == {str(tmp_path / "up.log"): ["a fault"], str(folder / "scheduler.log"): ["three"]}


def test_without_an_airflow_there_are_no_logs_and_nothing_to_stop(call: Call, read: Read, tmp_path: Path) -> None:
    """Neither is an error."""
    here = {"PERENNIAL_HOME": str(tmp_path)}

    assert call("logs", **here).stdout == f"there are no logs in {tmp_path}\n"
    assert call("down", **here).stdout == "nothing is running\n"
    assert read(call("down", "--json", **here)) == {"stopped": False}


def test_a_folder_of_dags_that_is_not_there_is_a_usage_error(call: Call, tmp_path: Path) -> None:
    """Nothing is started."""
    result = call("up", "--dags", str(tmp_path / "nowhere"), PERENNIAL_HOME=str(tmp_path / "home"))

    assert result.exit_code == 2
    assert f"'{tmp_path / 'nowhere'}' does not exist." in result.stderr
    assert not (tmp_path / "home").exists()


def _orphan(company: Any) -> str:
    """Store bytes that no row leads to, two days ago, and return their digest."""
    from perennial.stores.artifacts.disk import DiskArtifacts  # noqa: PLC0415 - for this test only

    folder = Path(company.environment["PERENNIAL_HOME"]) / "artifacts"
    digest = DiskArtifacts(folder).put(b"nobody's")
    path = next(path for path in folder.rglob("*") if digest[4:] in path.name)
    earlier = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(path, (earlier, earlier))
    return digest
