"""The workshop, with one difference: its process is forked from this one, where all is imported, and not started from nothing.

So a test that needs a new one for each of many retrainings takes a fraction of the time.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from typing import Any, cast

from perennial.steps.jobs import fit, noise, trial
from perennial.workshop import owner
from perennial.workshop.server import serve

_MOST_FILES = 256


class _Forked:
    """What ``subprocess.Popen`` is for a process that was started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if found else None
        return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a workshop", timeout)
            time.sleep(0.001)
        return status


def _line(environment: Mapping[str, str] | None) -> Any:
    del environment
    ours, theirs = socket.socketpair()
    me, channel = os.getpid(), theirs.fileno()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.dup2(2, 1)
        os.closerange(3, channel)
        os.closerange(channel + 1, _MOST_FILES)
        serve(theirs.detach(), me)
    theirs.close()
    return owner._Line(me, cast("Any", _Forked(pid)), ours)


def install() -> None:
    """Let every workshop of this process, and of those that are forked from it, be such a one; load what its jobs need."""
    owner._line = _line
    for module in (fit, noise, trial):
        getattr(module, "warm", int)()
