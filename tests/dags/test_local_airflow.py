"""Airflow on this machine: it runs DAGs, keeps to itself, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from perennial.core.errors import ConflictError, RejectedError
from perennial.orchestration.client import Client
from perennial.orchestration.local_airflow import LocalAirflow

pytestmark = [pytest.mark.dags, pytest.mark.slow]

SUPERVISOR = Path(__file__).parent / "files" / "supervisor.py"


@pytest.mark.timeout(600)
def test_a_dag_runs_to_its_end(airflow: LocalAirflow) -> None:
    """A run by hand is scheduled, executed, and its tasks hand over what they found; heavy modules were there already."""
    airflow.client.unpause("five_tasks")

    run = airflow.client.trigger("five_tasks", run_id="by_hand")

    assert airflow.client.wait("five_tasks", run, timeout_s=300) == "success"
    assert set(airflow.client.task_states("five_tasks", run).values()) == {"success"}
    assert airflow.client.xcom("five_tasks", run, "number_3") == 3
    assert airflow.client.xcom("five_tasks", run, "where") == {"warm": True}


@pytest.mark.timeout(600)
def test_lists_are_read_to_their_end(airflow: LocalAirflow) -> None:
    """Airflow gives a page of them, 100 rows at most, and does not say so; here it gives two."""
    by_two = Client(airflow.address, airflow.login, page=2)
    by_two.unpause("five_tasks")
    for number in range(3):
        by_two.trigger("five_tasks", run_id=f"page_{number}")
    assert {f"page_{number}" for number in range(3)} <= set(by_two.runs("five_tasks"))
    assert len(by_two.task_states("five_tasks", "page_0")) == len(airflow.client.task_states("five_tasks", "page_0")) > 4
    assert "five_tasks" in by_two.dags()


def test_what_airflow_refuses_is_told_in_its_words(airflow: LocalAirflow) -> None:
    """An unknown DAG is an error with Airflow's sentence, not a status alone."""
    with pytest.raises(RejectedError) as caught:
        airflow.client.trigger("nobody")

    said = "POST /api/v2/dags/nobody/dagRuns: 404 Dag with dag_id: 'nobody' not found [AIRFLOW_REFUSED]"
    assert str(caught.value) == f"{airflow.address.removeprefix('http://')}: {said}"


def test_a_second_start_in_the_same_folder_is_refused(airflow: LocalAirflow) -> None:
    """The message says where the first one is."""
    home = airflow.logs.parent
    second = LocalAirflow(home, dags=home, plugins=home, metadata_url="", environment={})

    with pytest.raises(ConflictError) as caught, second:
        pass

    said = f"local Airflow: one runs in {home} already, at {airflow.address}, process {os.getpid()} [AIRFLOW_RUNNING]"
    assert str(caught.value) == said


def test_its_only_port_is_on_loopback(airflow: LocalAirflow) -> None:
    """Nothing of it can be reached from another machine, and there is no server of logs that listens everywhere."""
    port = int(airflow.address.rpartition(":")[2])
    ours = _of(str(airflow.logs.parent))
    inodes = {opened for process in ours for opened in _opened(process)}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}

    assert listening == {f"0100007F:{port:04X}"}


def test_secrets_are_readable_by_their_owner_only(airflow: LocalAirflow) -> None:
    """They are in two files with mode 0600, and on no command line."""
    home = airflow.logs.parent
    modes = {name: oct((home / name).stat().st_mode & 0o777) for name in ("secrets.json", "passwords.json")}

    assert modes == {"secrets.json": "0o600", "passwords.json": "0o600"}
    assert [process.pid for process in _of(str(home)) if airflow.login.password in _command(process)] == []


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_nothing_is_left_after_kill_9_and_the_next_start_works(tmp_path: Path, airflow: LocalAirflow) -> None:
    """The guard stops every component and the PostgreSQL; another Airflow on this machine goes on."""
    with _started(tmp_path) as supervisor:
        before = _of(str(tmp_path))
        assert len(before) > 6
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
        deadline = time.monotonic() + 120
        while left := [*_of(str(tmp_path)), *(process for process in before if _runs(process))]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    with _started(tmp_path) as supervisor:
        supervisor.send_signal(signal.SIGTERM)

    assert airflow.client.health()["scheduler"] == "healthy"


class _started:  # noqa: N801 - reads as a function
    """A supervisor in a process of its own, ready."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen([sys.executable, str(SUPERVISOR), str(home)], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> subprocess.Popen[str]:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("http://127.0.0.1:")
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _of(home: str) -> list[psutil.Process]:
    """Return the processes whose command line names *home*, and all of their sessions: some give themselves another title."""
    running = [process for process in psutil.process_iter() if process.pid != os.getpid() and _runs(process)]
    named = [process for process in running if home in _command(process)]
    sessions = {_session(process) for process in named} - {os.getsid(0), 0}
    return [process for process in running if process in named or _session(process) in sessions]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def _opened(process: psutil.Process) -> set[str]:
    """Return what the process's open files are; those it closes meanwhile, or all when it ends, are left out."""
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.add(str(descriptor.readlink()))
    return found


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return 0
