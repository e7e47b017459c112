"""The owner's side of the workshop: starts the process, hands it jobs, and waits for them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.workshop.done import Done
from perennial.workshop.ending import done

_CHUNK = 1 << 16
_GRACE_S = 10.0
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from perennial.workshop.server import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)


class ProcessWorkshop:
    """Runs jobs one at a time, each in a fresh process with a limit of memory and time.

    The first use starts a process that imports what jobs need and forks one for each of them. That ends with its owner: when it is
    closed or forgotten, and also when the owner is killed.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Start nothing yet.

        Args:
            environment: What the jobs see as their environment; by default this process's.
        """
        self._environment = environment
        self._lock = Lock()
        self._line: _Line | None = None
        self._hang_up: Callable[[], object] | None = None

    def prepare(self, module: str) -> None:
        """Start the process, and have it import *module*, without waiting for it."""
        with self._lock, suppress(OSError):  # run() says so
            self._open_line().send({"import": module})

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:
        """Run a job to its end.

        Args:
            job: ``module:function`` of our own. The function takes *ask* and *folder*, and returns JSON types.
            ask: JSON types.
            folder: An empty folder, or one with what the job reads; what it makes that is large, it writes there.
            memory: The most memory that it may ask for, in bytes.
            seconds: After this time it is stopped.

        Raises:
            PerennialError: What the job raised: the same class, with the same faults.
            TerminalError: MEMORY_LIMIT, MODEL_CRASHED, MODEL_TIMEOUT.
            UnavailableError: WORKSHOP_ENDED; MODEL_KILLED, from outside.
        """
        order = {"job": job, "ask": ask, "folder": str(folder.absolute()), "memory": memory, "seconds": seconds, "path": _path()}
        with self._lock:
            try:
                answer = self._open_line().asked(order)
            except BaseException as error:  # also Ctrl-C: the job ends with the process
                self._close()
                if isinstance(error, OSError):
                    raise UnavailableError(Code.WORKSHOP_ENDED, "ended before the job did", where="workshop") from error
                raise
        return done(answer, folder, memory=memory, seconds=seconds)

    def close(self) -> None:
        """End the process, and the job that it may be at. Another use starts another one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._hang_up is not None:
            self._hang_up()
        self._line = self._hang_up = None

    def _open_line(self) -> _Line:
        if self._line is not None and not self._line.usable():
            self._close()
        if self._line is None:
            self._line = _line(self._environment)
            self._hang_up = weakref.finalize(self, self._line.end)  # once: here, or where nobody holds the workshop any more
        return self._line


@dataclass(frozen=True, slots=True)
class _Line:
    """A process, and this end of the socket to it."""

    owner: int
    process: subprocess.Popen[bytes]
    channel: socket.socket

    def usable(self) -> bool:
        """Return whether the process lives, and is this process's own, not that of one it was forked from."""
        return self.owner == os.getpid() and self.process.poll() is None

    def send(self, order: Mapping[str, Any]) -> None:
        """Send an order."""
        self.channel.sendall(json.dumps(order).encode() + b"\n")

    def asked(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Send an order and wait for its answer.

        Raises:
            ConnectionError: The process ended.
        """
        self.send(order)
        received = b""
        while not received.endswith(b"\n"):
            more = self.channel.recv(_CHUNK)
            if not more:
                raise ConnectionResetError
            received += more
        answer: dict[str, Any] = json.loads(received)
        return answer

    def end(self) -> None:
        """Hang up, which ends the process and its job, and wait for that."""
        self.channel.close()
        if self.owner != os.getpid():
            self.process.returncode = 0  # somebody else's child
            return
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _line(environment: Mapping[str, str] | None) -> _Line:
    """Start a process. What its jobs print goes to this process's error output, so that answers on the other stay whole."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            return _Line(os.getpid(), _started(theirs.fileno(), environment), ours)
    except BaseException:
        ours.close()
        raise


def _started(descriptor: int, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this interpreter, on our own code
        [sys.executable, "-c", _START, json.dumps(_path()), str(descriptor), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=2,
        pass_fds=(descriptor,),
        start_new_session=True,  # a Ctrl-C is for the owner, who then hangs up
        env=environment,
    )


def _path() -> list[str]:
    """Return where this process looks for modules, wherever another one stands."""
    return [entry or str(Path.cwd()) for entry in sys.path]
