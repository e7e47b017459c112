"""up and down: an Airflow in the background, one per home, that leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import psutil
import pytest

pytestmark = [pytest.mark.dags, pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = Path(sys.executable).with_name("perennial")
_LEFT_TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home for all of these tests: its databases are made once."""
    # Not below pytest's own folder: it locks that to the user who runs the tests, and root's server runs as somebody else.
    with TemporaryDirectory(prefix="perennial-", ignore_cleanup_errors=True) as folder:
        for name in ("dags", "plugins", "models"):
            (Path(folder) / name).mkdir()
        yield Path(folder) / "home"
        _run(Path(folder) / "home", "down")


def test_up_starts_it_once_and_down_stops_everything(home: Path) -> None:
    """The address answers; a second up is refused and names it, without the password; a second down has nothing to do."""
    up = _run(home, "up", "--json", *_folders(home))
    assert up.returncode == 0, up.stderr
    told = json.loads(up.stdout)
    with urlopen(f"{told['address']}/api/v2/monitor/health") as answer:  # noqa: S310 - our own loopback address
        assert json.load(answer)["scheduler"]["status"] == "healthy"
    modes = [oct((home / name).stat().st_mode & 0o777) for name in ("up.json", "up.lock")]

    parts = {part["what"]: part for part in json.loads(_run(home, "doctor", "--json").stdout)}
    again = _run(home, "up", *_folders(home))
    down = _run(home, "down")
    nothing = _run(home, "down")

    assert parts["local Airflow"]["state"] == "unsafe"
    assert parts["local Airflow"]["found"].startswith(f"runs at {told['address']} with SimpleAuthManager, which is for development")
    assert modes == ["0o600", "0o600"]
    said = f"local Airflow: runs already, at {told['address']}, user {told['username']} [AIRFLOW_RUNNING]\n"
    assert (again.returncode, again.stdout, again.stderr) == (3, "", said + "  fix: perennial down stops it.\n")
    assert (down.returncode, down.stdout, down.stderr) == (0, "stopped\n", "")
    assert (nothing.returncode, nothing.stdout) == (0, "nothing is running\n")
    _assert_nothing_is_left(home)


@pytest.mark.faults
def test_nothing_is_left_after_kill_9(home: Path) -> None:
    """The guards stop the components and the PostgreSQL; its state that is left over fools nobody."""
    assert _run(home, "up", *_folders(home)).returncode == 0
    os.kill(int((home / "up.lock").read_text()), signal.SIGKILL)

    _assert_nothing_is_left(home)
    assert (home / "up.json").exists()
    assert _run(home, "down").stdout == "nothing is running\n"


@pytest.mark.faults
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_a_start_that_was_given_up(home: Path, kind: signal.Signals) -> None:
    """By Ctrl-C, which says nothing, or by an end that it cannot see coming."""
    with _popen(home, "up", *_folders(home)) as process:
        _wait_until_started(home, process)
        process.send_signal(kind)
        said, complained = process.communicate(timeout=120)

    assert (process.returncode, said, complained) == (130 if kind is signal.SIGINT else -signal.SIGKILL, b"", b"")
    _assert_nothing_is_left(home, timeout_s=120)
    assert _run(home, "down").stdout == "nothing is running\n"


def test_a_start_that_cannot_work_tells_why(tmp_path: Path) -> None:
    """The line of the process in the background is told, and that a retry cannot help."""
    home = tmp_path / "home"
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    for name in ("dags", "plugins"):
        (tmp_path / name).mkdir()

    up = _run(home, "up", *_folders(home))

    assert (up.returncode, len(up.stderr.splitlines())) == (3, 1)
    assert up.stderr.startswith(f"local Airflow: it ended while starting: {home / 'postgres'}: must hold data of PostgreSQL ")
    assert up.stderr.endswith(f", found 9 [LEDGER_VERSION]; see {home / 'up.log'} [AIRFLOW_STOPPED]\n")


def test_a_process_that_has_its_number_now_is_left_alone(tmp_path: Path) -> None:
    """After kill -9 and a restart of the machine, the number in the file may be anybody's."""
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (tmp_path / "up.lock").write_text(str(stranger.pid))
        state = {"pid": stranger.pid, "address": "http://127.0.0.1:1", "username": "admin", "password": "hunter2"}
        (tmp_path / "up.json").write_text(json.dumps(state))

        down = _run(tmp_path, "down")

        assert (down.stdout, stranger.poll()) == ("nothing is running\n", None)
        stranger.kill()


def _folders(home: Path) -> list[str]:
    return ["--dags", str(home.parent / "dags"), "--plugins", str(home.parent / "plugins")]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "PERENNIAL_HOME": str(home), "PERENNIAL_DEFINITIONS": str(home.parent / "models")}


def _run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *words], env=_environment(home), cwd=home.parent, capture_output=True, text=True, timeout=300, check=False
    )


def _popen(home: Path, *words: str) -> subprocess.Popen[bytes]:
    # A session of its own, as a terminal gives it: a signal to this process reaches no other.
    return subprocess.Popen(
        [SCRIPT, *words],
        env=_environment(home),
        cwd=home.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _wait_until_started(home: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the components of Airflow have been started, too early for them to be healthy."""
    deadline = time.monotonic() + 120
    while not any("perennial.orchestration.components" in line for line in _of(home).values()):
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _assert_nothing_is_left(home: Path, *, timeout_s: float = _LEFT_TIMEOUT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while left := _of(home):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def _of(home: Path) -> dict[int, str]:
    """Return the processes that belong to *home*, by their environment or their command line."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            line = " ".join(process.cmdline())
            if process.environ().get("PERENNIAL_HOME") == str(home) or str(home) in line:
                found[process.pid] = line
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
