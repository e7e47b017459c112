"""Stopping what is only just starting."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.orchestration import background
from perennial.wiring import Settings

_HOLDER = """
import fcntl, sys, time
lock = open(sys.argv[1], "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate()
print("held", flush=True)
sys.stdin.readline()
lock.write(str(__import__("os").getpid()))
lock.flush()
print("written", flush=True)
time.sleep(60)
"""


def test_a_stop_waits_for_the_number_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is there a moment before the number, which is then looked for again."""
    lock = tmp_path / "up.lock"
    lock.write_text("1234567")
    looked = background._pid

    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        stdin, stdout = holder.stdin, holder.stdout
        assert stdin is not None
        assert stdout is not None
        assert stdout.readline() == "held\n"
        found: list[int | None] = []

        def look(settings: Settings) -> int | None:
            found.append(looked(settings))
            if found == [None]:
                assert stdin.write("\n") == 1
                stdin.flush()
                assert stdout.readline() == "written\n"
            return found[-1]

        monkeypatch.setattr(background, "_pid", look)
        stopped = background.stop(Settings.of({"PERENNIAL_HOME": str(tmp_path)}))
        status = holder.wait(120)

    assert (stopped, found, status) == (True, [None, holder.pid], -signal.SIGTERM)
