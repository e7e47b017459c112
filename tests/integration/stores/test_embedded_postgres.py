"""The embedded PostgreSQL runs as long as somebody uses it, and not longer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.stores import postgres_guard
from perennial.stores.driver_errors import DriverError
from perennial.stores.embedded_postgres import EmbeddedPostgres, embedded_postgres

pytestmark = pytest.mark.xdist_group("embedded postgres")  # they share the data of a server

_USER = """
import sys, time
from pathlib import Path
from perennial.stores.embedded_postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


@contextmanager
def _user(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", _USER, str(folder)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that ran and was stopped: to make it takes longer than what most tests do with it."""
    folder = tmp_path_factory.mktemp("stopped") / "data"
    with embedded_postgres(folder):
        pass
    return folder


@pytest.fixture
def data(stopped: Path, tmp_path: Path) -> Path:
    """A copy of that data, of the same owner."""
    subprocess.run(["cp", "--archive", stopped, tmp_path / "data"], check=True)
    return tmp_path / "data"


def _rows(url: str) -> int:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    return int(row[0]) if row else 0


def test_data_is_there_again_after_a_stop(tmp_path: Path) -> None:
    """Leaving stops the server; joining starts it on the same data."""
    folder = tmp_path / "data"
    with embedded_postgres(folder) as server:
        url = server.url("ledger")
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert postgres_guard.socket_folder(folder) is None

    with embedded_postgres(folder) as server:
        assert _rows(server.url("ledger")) == 1


def test_the_server_stops_when_its_only_user_is_killed(data: Path) -> None:
    """After kill -9 nothing is left, and the next start works."""
    with _user(data) as process:
        process.kill()
        process.wait()
        deadline = time.monotonic() + 120
        while postgres_guard.socket_folder(data) is not None:
            assert time.monotonic() < deadline, "the server still runs"
            time.sleep(0.02)

    with embedded_postgres(data) as server:
        assert server.url("ledger").startswith("postgresql+psycopg://postgres@/ledger?host=")


def test_the_server_goes_on_for_its_other_users(data: Path) -> None:
    """Neither a killed user nor one that leaves takes the server from the others."""
    with embedded_postgres(data) as server:
        with _user(data) as process:
            process.kill()
            process.wait()
        with embedded_postgres(data):
            pass

        assert postgres_guard.socket_folder(data) == server.socket_folder


def test_a_killed_server_starts_again(data: Path) -> None:
    """What it left behind, a pid of another process now, does not block the start."""
    with embedded_postgres(data):
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    left = (data / "postmaster.pid").read_text().splitlines()
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *left[1:]]))

    with embedded_postgres(data) as server:
        assert postgres_guard.socket_folder(data) == server.socket_folder


def test_a_stop_while_the_server_ends_by_itself_signals_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file of the pid is gone at the second look; a signal to 0 would reach everybody around."""
    shutil.copy("/bin/sleep", tmp_path / "postgres")
    with subprocess.Popen([tmp_path / "postgres", "60"]) as server:
        (tmp_path / "postmaster.pid").write_text(f"{server.pid}\n")
        read = postgres_guard._pid_file

        def read_and_lose(folder: Path) -> list[str]:
            lines = read(folder)
            (folder / "postmaster.pid").unlink(missing_ok=True)
            return lines

        signalled = []
        with monkeypatch.context() as patched:
            patched.setattr(postgres_guard, "_pid_file", read_and_lose)
            patched.setattr(os, "kill", lambda pid, kind: signalled.append((pid, kind)))
            postgres_guard.stop(tmp_path)
        server.kill()

    assert signalled == [(server.pid, 0), (server.pid, signal.SIGINT)]


def test_a_server_that_is_gone_is_one_of_our_errors(tmp_path: Path) -> None:
    """Nothing of the driver leaves the store."""
    with pytest.raises(UnavailableError) as caught:
        EmbeddedPostgres(tmp_path, hold=-1).url("ledger")

    assert str(caught.value).startswith("embedded PostgreSQL: connection is bad: ")
    assert caught.value.code is Code.STORE_UNAVAILABLE
    assert isinstance(caught.value.__cause__, DriverError)


def test_nothing_is_left_to_warn_about(data: Path) -> None:
    """The guard is nobody's child, so no process object is dropped while it runs, neither in use nor at the end."""
    code = _USER.replace("time.sleep(600)", "import gc; gc.collect()")
    command = [sys.executable, "-W", "always", "-c", code, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)

    assert (done.stdout, done.stderr) == ("ready\n", "")


def test_the_socket_is_open_to_its_owner_only(data: Path) -> None:
    """Whoever reaches the socket is believed to be the superuser."""
    with embedded_postgres(data) as server:
        assert (server.socket_folder / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    """PostgreSQL does not read the data of another major version."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("14\n")

    with pytest.raises(RejectedError) as caught, embedded_postgres(folder):
        pass

    assert str(caught.value) == f"{folder}: must hold data of PostgreSQL 18, found 14 [LEDGER_VERSION]"
    assert caught.value.code is Code.LEDGER_VERSION
