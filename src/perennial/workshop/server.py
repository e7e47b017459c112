"""The process that forks a process for each job. It imports what jobs need once, has one thread, and ends with its owner.

Orders come as lines of JSON over a socket. ``{"import": module}`` has no answer; a function ``warm`` of that module is called.
``{"job": "module:function", "ask", "folder", "memory", "seconds", "path"}`` is answered by ``{"status", "late", "seconds",
"cpu_seconds", "peak"}`` when the job has ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perennial.workshop.child import live
from perennial.workshop.memory import peak

_POLL_S = 1.0
"""How often it is looked whether the owner still lives, where somebody else holds its end of the socket too."""
_CHUNK = 1 << 16
_TOLD = {
    "OPENBLAS_NUM_THREADS": "1",
    "GOMP_SPINCOUNT": "10000",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""What C libraries are told before they are loaded: to start no thread, and to set no memory aside, which would count.

OpenMP's threads wait for each other by spinning. For a short while that is the fastest way; where other processes want the
cores it takes them from those that are waited for. A fit of 175 000 rows and 20 trees cost 9 to 19 s of CPU on a busy machine
by default, and 4 to 5 s so; on a quiet one it takes the same time (14.2 and 14.1 s for a whole retraining and night)."""


@dataclass(frozen=True, slots=True)
class Server:
    """An owner, and how it and the end of a child are heard of.

    Attributes:
        owner: The process that is served.
        channel: Where orders come from.
        woken: Readable when a signal came.
    """

    owner: int
    channel: socket.socket
    woken: int

    def orders(self) -> Iterator[dict[str, Any]]:
        """Yield orders until the owner is gone."""
        pending = b""
        while True:
            self.wait_for_owner()
            received = self.channel.recv(_CHUNK)
            if not received:
                return
            *lines, pending = (pending + received).split(b"\n")
            yield from map(json.loads, lines)

    def wait_for_owner(self) -> None:
        """Wait until the owner says something.

        Raises:
            SystemExit: The owner is gone.
        """
        while not self._readable(_POLL_S):
            if os.getppid() != self.owner:
                raise SystemExit

    def answer(self, **said: object) -> None:
        """Tell the owner."""
        self.channel.sendall(json.dumps(said).encode() + b"\n")

    def attend(self, order: Mapping[str, Any]) -> None:
        """Do a job in a fork, and tell how it ended. Whatever it leaves behind is killed.

        Raises:
            SystemExit: The owner is gone, and so is the fork.
        """
        job = _found(order["job"])
        server, began = os.getpid(), time.monotonic()
        child = os.fork()
        if not child:
            self.channel.close()
            live(order, job, server)
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(child, child)
        try:
            status, usage, late = self._ended(child, began + order["seconds"])
        finally:
            _kill(child)
        seconds, cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
        self.answer(status=os.waitstatus_to_exitcode(status), late=late, seconds=seconds, cpu_seconds=cpu, peak=peak(usage))

    def _ended(self, child: int, deadline: float) -> tuple[int, Any, bool]:
        """Wait for *child*, which is killed at the *deadline*; return its status, what it used, and whether it was late."""
        late = False
        while True:
            found, status, usage = os.wait4(child, os.WNOHANG)
            if found:
                return status, usage, late
            left = deadline - time.monotonic()
            if left <= 0:
                late = True
                _kill(child)
            if self._readable(min(max(left, 0.01), _POLL_S)) or os.getppid() != self.owner:
                raise SystemExit  # nothing is said while a job runs, so that the socket's end was closed

    def _readable(self, seconds: float) -> bool:
        """Wait for the owner, for a signal, or so long; return whether it was the owner."""
        readable, _, _ = select.select([self.channel.fileno(), self.woken], [], [], seconds)
        if self.woken in readable:
            os.read(self.woken, _CHUNK)
        return self.channel.fileno() in readable


def serve(descriptor: int, owner: int) -> None:
    """Serve whoever is at the other end of a socket, until that is gone.

    Args:
        descriptor: This end of the socket.
        owner: The process that started this one.
    """
    for name, value in _TOLD.items():
        os.putenv(name, value)
    try:
        with socket.socket(fileno=descriptor) as channel:
            _serve(Server(owner, channel, _woken()))
    except (SystemExit, ConnectionError):
        pass
    except Exception:  # noqa: BLE001 - the owner is told by the end of the socket, its people by this
        traceback.print_exc()
    finally:  # the interpreter would take a while to end in good order, for nothing
        sys.stderr.flush()
        os._exit(0)


def _serve(server: Server) -> None:
    for order in server.orders():
        if "import" in order:
            _imported(order["import"])
        else:
            server.attend(order)


def _woken() -> int:
    """Return what can be read from after the end of a child."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _imported(name: str) -> Any:  # noqa: ANN401 - a module of ours
    module = importlib.import_module(name)
    getattr(module, "warm", int)()  # what a job needs at its first use, each fork would load anew
    gc.collect()
    gc.freeze()  # or the collector would write to every page, and a fork would copy it
    return module


def _found(job: str) -> Any:  # noqa: ANN401 - a function of ours
    module, _, name = job.partition(":")
    return getattr(sys.modules.get(module) or _imported(module), name)


def _kill(child: int) -> None:
    """Kill *child* and whatever it started."""
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
