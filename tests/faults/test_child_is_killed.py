"""Whoever is killed, owner, workshop or job, leaves no process behind; and a killed job is an error, not the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from perennial.core.errors import PerennialError, UnavailableError
from perennial.workshop.owner import ProcessWorkshop

pytestmark = pytest.mark.faults
Gone = Callable[..., bool]

JOBS = Path(__file__).parents[1] / "integration" / "workshop" / "files"
OWNER = Path(__file__).parent / "files" / "workshop_owner.py"
PATIENCE_S = 120.0
ROUNDS = 5


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the jobs be found, by this process and by those that it starts."""
    monkeypatch.syspath_prepend(str(JOBS))
    monkeypatch.setenv("PYTHONPATH", str(JOBS), prepend=os.pathsep)


@pytest.fixture
def workshop() -> Iterator[ProcessWorkshop]:
    """A workshop."""
    with closing(ProcessWorkshop()) as made:
        yield made


def told(path: Path) -> tuple[int, int]:
    """Return the processes of a job and of its workshop, when the job has told them."""
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline, "the job does not begin"
        time.sleep(0.005)
    job, server = path.read_text().split()
    return int(job), int(server)


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_leaves_no_process_behind(tmp_path: Path, kind: signal.Signals, gone: Gone) -> None:
    """Neither the workshop nor the job, though that loops in C."""
    for number in range(ROUNDS):
        said, folder = tmp_path / str(number), tmp_path / f"folder {number}"
        folder.mkdir()
        with subprocess.Popen([sys.executable, str(OWNER), str(folder), str(said)], stderr=subprocess.DEVNULL) as owner:
            processes = told(said)
            owner.send_signal(kind)
        assert gone(*processes)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process is not told that its parent was killed")
def test_a_killed_workshop_takes_its_job_with_it(workshop: ProcessWorkshop, tmp_path: Path, gone: Gone) -> None:
    """The owner is told that a retry may help, and another workshop does the next job."""
    for number in range(ROUNDS):
        said = tmp_path / str(number)
        job, server, error = killed(workshop, tmp_path, said, "server")
        assert isinstance(error, UnavailableError)
        assert str(error) == "workshop: ended before the job did [WORKSHOP_ENDED]"
        assert gone(job, server)
        assert workshop.run("odd_jobs:doubled", {"number": 2}, tmp_path, memory=1 << 30, seconds=60).value == {"doubled": 4}


def test_a_killed_job_is_an_error_and_the_workshop_goes_on(workshop: ProcessWorkshop, tmp_path: Path, gone: Gone) -> None:
    """As when the system takes the last memory back: it did nothing wrong, so that a retry may help."""
    for number in range(ROUNDS):
        job, server, error = killed(workshop, tmp_path, tmp_path / str(number), "job")
        assert isinstance(error, UnavailableError)
        assert str(error) == "was ended by SIGKILL before it was done [MODEL_KILLED]"
        assert gone(job)
        next_one = workshop.run("odd_jobs:processes", {}, tmp_path, memory=1 << 30, seconds=60)
        assert next_one.value["server"] == server


def killed(workshop: ProcessWorkshop, folder: Path, said: Path, which: str) -> tuple[int, int, PerennialError]:
    """Kill a job or its workshop while the job runs; return their processes, and what the owner is told."""
    errors: list[PerennialError] = []

    def run() -> None:
        try:
            workshop.run("odd_jobs:say_and_loop", {"path": str(said)}, folder, memory=1 << 30, seconds=600)
        except PerennialError as error:
            errors.append(error)

    waiting = Thread(target=run)
    waiting.start()
    job, server = told(said)
    os.kill(server if which == "server" else job, signal.SIGKILL)
    waiting.join(PATIENCE_S)
    [error] = errors
    return job, server, error
