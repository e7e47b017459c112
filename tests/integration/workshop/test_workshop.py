"""A job that fails, crashes, loops or eats all memory is an error of ours, and the next one is done."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault, PerennialError, RejectedError, TerminalError, UnavailableError
from perennial.ports import Workshop
from perennial.testing import InlineWorkshop
from perennial.workshop.done import Done
from perennial.workshop.owner import ProcessWorkshop

Run = Callable[..., Done]
Gone = Callable[[int], bool]
MIB = 1 << 20
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is no limit of memory that macOS holds to")


@pytest.fixture(params=[ProcessWorkshop, InlineWorkshop])
def any_workshop(request: pytest.FixtureRequest, workshop: ProcessWorkshop) -> Workshop:
    """Each kind of workshop."""
    return workshop if request.param is ProcessWorkshop else InlineWorkshop()


def test_a_job_returns_what_it_returns(any_workshop: Workshop, tmp_path: Path) -> None:
    """Its value as JSON, and files."""
    any_workshop.prepare("odd_jobs")
    done = any_workshop.run("odd_jobs:doubled", {"number": 21}, tmp_path, memory=1 << 30, seconds=60)
    assert done.value == {"doubled": 42}
    assert (tmp_path / "doubled").read_text() == "42"


def test_an_error_of_ours_is_the_same_error(any_workshop: Workshop, tmp_path: Path) -> None:
    """Class, codes, places, messages and the advice; also of several faults."""
    with pytest.raises(DataError) as caught:
        any_workshop.run("odd_jobs:refuse", {}, tmp_path, memory=1 << 30, seconds=60)
    faults = (Fault(Code.SCHEMA_MISSING, "is not there", "a"), Fault(Code.SCHEMA_TYPE, "must be a number, got text", "b"))
    assert (caught.value.faults, caught.value.fix) == (faults, "Deliver them.")
    with pytest.raises(RejectedError, match=r"^scratch: has no space left \[STORE_FULL\]$"):
        any_workshop.run("odd_jobs:refuse_again", {}, tmp_path, memory=1 << 30, seconds=60)


def test_what_a_job_takes_is_measured(run: Run) -> None:
    """Memory beyond what it began with, processors' time, and time."""
    held = run("hold", bytes=64 * MIB)
    worked = run("work", cpu=0.2)
    assert 60 * MIB < held.memory < 80 * MIB
    assert worked.memory < 16 * MIB
    assert 0.19 < worked.cpu_seconds < 1
    assert worked.seconds >= worked.cpu_seconds - 0.1


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ("fail", r"ended with ValueError at odd_jobs\.py:\d+ \[MODEL_CRASHED\]"),
        ("crash", r"was ended by SIGSEGV before it was done \[MODEL_CRASHED\]"),
        ("leave", r"ended with status 3 before it was done \[MODEL_CRASHED\]"),
        ("give_up", r"ended with status 1 before it was done \[MODEL_CRASHED\]"),
        pytest.param("hide", r"needs more than the 64 MiB of estimator\.memory \[MEMORY_LIMIT\]", marks=LINUX),
        pytest.param("hold", r"needs more than the 64 MiB of estimator\.memory \[MEMORY_LIMIT\]", marks=LINUX),
    ],
)
def test_a_job_that_crashes_is_an_error_and_the_next_one_is_done(run: Run, job: str, told: str) -> None:
    """The process that forked it goes on; nothing of a foreign message is told."""
    server = run("processes").value["server"]
    with pytest.raises(TerminalError, match=f"^{told}$"):
        run(job, memory=64 * MIB, bytes=256 * MIB)
    assert run("processes").value["server"] == server


@LINUX
def test_the_limit_is_beyond_what_there_was(run: Run) -> None:
    """What fits into it is had, whatever the process has imported."""
    assert run("hold", memory=64 * MIB, bytes=56 * MIB).value == {"held": 56 * MIB}


def test_a_loop_in_c_is_stopped(run: Run) -> None:
    """After its time, with the time in the message."""
    began = time.monotonic()
    with pytest.raises(TerminalError) as caught:
        run("loop", seconds=0.2)
    assert str(caught.value) == "took longer than 0.2 s and was stopped [MODEL_TIMEOUT]"
    assert caught.value.fix == "Raise estimator.time in the definition, or give the estimator less to do."
    assert time.monotonic() - began < 60


def test_an_outcome_that_cannot_be_written_may_be_tried_again(run: Run) -> None:
    """As the fault is the disk's, and not the model's."""
    with pytest.raises(UnavailableError, match=r"^scratch: could not be written to \[STORE_UNAVAILABLE\]$"):
        run("unwritable")


def test_what_a_job_started_ends_with_it(run: Run, gone: Gone) -> None:
    """A program that it forgot is killed."""
    assert gone(run("leave_somebody").value["left"])


def test_what_a_job_prints_is_no_answer(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """It goes to the error output, whoever prints it; and there is nothing to read."""
    assert run("surroundings").value["input"] == ""
    printed = capfd.readouterr()
    assert printed.out == ""
    assert sorted(printed.err.splitlines()) == ["a line of a program", "a line of an estimator"]


def test_a_job_sees_the_environment_that_it_is_given(tmp_path: Path) -> None:
    """And not what this process has."""
    with closing(ProcessWorkshop({"COLOUR": "blue"})) as workshop:
        found = workshop.run("odd_jobs:surroundings", {}, tmp_path, memory=1 << 30, seconds=60).value["environment"]
    assert found.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # Python's own
    assert found == {"COLOUR": "blue"}


def test_threads_of_a_job_spin_for_a_short_while(run: Run) -> None:
    """So that they do not hold the cores of a busy machine while they wait for each other."""
    assert run("told").value == {"spins": "10000"}


def test_a_module_is_found_where_the_owner_finds_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it was put after the start, and again after it was changed."""
    run("processes")
    monkeypatch.syspath_prepend(str(tmp_path))
    for said in (1, 22):
        (tmp_path / "put_there_later.py").write_text(f"SAID = {said}")
        assert run("imported", module="put_there_later").value == {"said": said}


def test_jobs_of_several_threads_wait_for_each_other(run: Run) -> None:
    """Each gets its own answer."""
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: run("doubled", number=number).value["doubled"], range(12)))
    assert found == [2 * number for number in range(12)]


def test_it_ends_when_it_is_closed_and_starts_again(workshop: ProcessWorkshop, run: Run, gone: Gone) -> None:
    """The process, too."""
    first = run("processes").value["server"]
    workshop.close()
    assert gone(first)
    second = run("processes").value["server"]
    assert second != first


def test_it_ends_when_it_is_forgotten(tmp_path: Path, gone: Gone) -> None:
    """Nobody has to close it."""
    workshop = ProcessWorkshop()
    server = workshop.run("odd_jobs:processes", {}, tmp_path, memory=1 << 30, seconds=60).value["server"]
    del workshop
    gc.collect()
    assert gone(server)


@pytest.mark.usefixtures("heard")
def test_control_c_stops_the_job(run: Run, tmp_path: Path, gone: Gone) -> None:
    """The owner is interrupted where it waits, and the job ends with that."""
    said = tmp_path / "said"

    def interrupt() -> None:
        while not said.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    timer = Timer(0, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run("say_and_loop", path=str(said))
    timer.join()
    assert all(gone(int(process)) for process in said.read_text().split())
    assert run("doubled", number=1).value == {"doubled": 2}


def test_a_process_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry may help."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(UnavailableError, match=r"^workshop: ended before the job did \[WORKSHOP_ENDED\]$"):
        ProcessWorkshop().run("odd_jobs:processes", {}, tmp_path, memory=1 << 30, seconds=60)


def test_no_other_error_leaves_a_job(run: Run) -> None:
    """Whatever is raised in it, an error of ours arrives."""
    for job in ("refuse", "refuse_again", "fail", "crash", "leave", "give_up"):
        with pytest.raises(PerennialError):
            run(job)
