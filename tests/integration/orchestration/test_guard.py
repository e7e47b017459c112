"""The guard leaves no process behind, however its supervisor ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.orchestration import guard

_SUPERVISOR = """
import json, signal, subprocess, sys, time
for kind in (signal.SIGINT, signal.SIGHUP):  # a shell in the background, or nohup, has them ignored
    signal.signal(kind, signal.SIG_DFL)
guard = subprocess.Popen([sys.executable, "-I", "-S", sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True)
guard.stdin.write(sys.argv[2].encode() + b"\\n")
guard.stdin.flush()
time.sleep(600)
"""
_COMPONENT = """
import os, signal, sys, time
for role in ("task", "stubborn"):
    if os.fork() == 0:
        os.setpgid(0, 0)
        if role == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        break
open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
time.sleep(600)
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_outlives_the_supervisor(tmp_path: Path, kind: signal.Signals, gone: Callable[..., bool]) -> None:
    """Components, the tasks that they forked into groups of their own, and those that ignore SIGTERM all end."""
    pids = tmp_path / "pids"
    pids.mkdir()
    command = [sys.executable, "-I", "-S", "-c", _COMPONENT, str(pids)]
    order = {"start": "component", "command": command, "environment": {}, "log": str(tmp_path / "log")}
    supervisor = subprocess.Popen([sys.executable, "-c", _SUPERVISOR, guard.__file__, json.dumps(order)], stderr=subprocess.DEVNULL)
    _until(lambda: len(list(pids.iterdir())) == 3)
    started = [int(file.name) for file in pids.iterdir()]

    supervisor.send_signal(kind)
    supervisor.wait()

    assert gone(*started)


def test_a_component_that_ends_is_told(tmp_path: Path) -> None:
    """The supervisor learns of it, with the exit status."""
    process = subprocess.Popen([sys.executable, "-I", "-S", guard.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    order = {"start": "component", "command": command, "environment": {}, "log": str(tmp_path / "log")}

    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        said = json.loads(process.stdout.readline())

    assert said == {"ended": "component", "status": 3}


def _until(done: object, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():  # type: ignore[operator] # a function without arguments
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)
