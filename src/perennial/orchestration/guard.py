"""Starts the components of a local Airflow, and stops them all when the supervisor ends, however it ends.

A process of its own between supervisor and components (``python guard.py``, on the standard library alone). It reads one JSON
object per line: ``{"start": name, "command": [...], "environment": {...}, "log": path}``. It answers ``{"ended": name,
"status": n}`` when a component ends by itself. When its input ends, which the kernel sees to even after ``kill -9``, it stops
everything and exits. Each component leads a session, so that everything it ever starts can be found.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_GRACE_S = 10.0
_POLL_S = 0.2


class Guard:
    """The components that were started, by name."""

    def __init__(self) -> None:
        """Begin with none."""
        self._components: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: set[str] = set()

    def start(self, name: str, command: list[str], environment: dict[str, str], log: str) -> None:
        """Start one component as the leader of a session, with its output appended to the file *log*."""
        with Path(log).open("ab") as output:
            self._components[name] = subprocess.Popen(  # noqa: S603 - the supervisor's own command
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def ended(self) -> list[tuple[str, int]]:
        """Return the name and exit status of each component that has ended by itself since the last call."""
        fresh = [(name, status) for name, part in self._components.items() if (status := part.poll()) is not None]
        fresh = [(name, status) for name, status in fresh if name not in self._ended]
        self._ended.update(name for name, _ in fresh)
        return fresh

    def stop(self) -> None:
        """Ask every component to end; after 10 s kill whatever is left of their sessions."""
        for component in self._components.values():
            if component.poll() is None:
                component.terminate()
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline and self._running():
            time.sleep(0.05)
        sessions = {component.pid for component in self._components.values()}
        while left := members(sessions):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._running()  # reaps
            time.sleep(0.05)

    def _running(self) -> bool:
        return any([component.poll() is None for component in self._components.values()])  # noqa: C419 - polls every one


def members(sessions: set[int]) -> list[int]:
    """Return the processes, zombies aside, that belong to one of *sessions*."""
    found = []
    for pid in _processes():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions:
                found.append(pid)
    return found


def _processes() -> list[int]:
    if Path("/proc/self/stat").exists():
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and not _zombie(int(entry))]  # noqa: PTH208 - names
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listing.stdout.splitlines())
    return [int(pid) for pid, state in rows if not state.startswith("Z")]


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def main() -> None:
    """Obey the supervisor until it is gone."""
    supervisor = os.getppid()
    for kind in (signal.SIGINT, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    guard = Guard()
    try:
        _serve(guard, supervisor)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        guard.stop()


def _serve(guard: Guard, supervisor: int) -> None:
    pending = b""
    # A child that the supervisor forked may keep the pipe open after its death; the parent's pid tells then.
    while os.getppid() == supervisor:
        for name, status in guard.ended():
            _say({"ended": name, "status": status})
        readable, _, _ = select.select([0], [], [], _POLL_S)
        if not readable:
            continue
        received = os.read(0, 1 << 16)
        if not received:
            return
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            order: dict[str, Any] = json.loads(line)
            guard.start(order["start"], order["command"], order["environment"], order["log"])


def _say(message: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
