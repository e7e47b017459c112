"""Stops the embedded PostgreSQL when nobody uses it any more.

Runs as a process of its own (``python postgres_guard.py <folder>``), on the standard library alone.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_FAST_STOP_S = 30
_PID, _SOCKET_FOLDER, _STATUS = 0, 4, 7


def socket_folder(folder: Path) -> Path | None:
    """Return the folder of the socket of the server that runs on *folder* and is ready, or None."""
    deadline = time.monotonic() + _FAST_STOP_S
    while _server(folder) is not None:
        lines = _pid_file(folder)
        if len(lines) > _STATUS and lines[_STATUS] == "ready":
            return Path(lines[_SOCKET_FOLDER])
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return None


def stop(folder: Path) -> None:
    """Stop the server that runs on *folder*, if one does: first with a fast shutdown, after 30 s without one."""
    for kind in (signal.SIGINT, signal.SIGQUIT):
        server = _server(folder)
        if server is None:
            return
        with suppress(ProcessLookupError):
            os.kill(server, kind)
        deadline = time.monotonic() + _FAST_STOP_S
        while _server(folder) is not None and time.monotonic() < deadline:
            time.sleep(0.02)


def discard_stale_pid(folder: Path) -> None:
    """Remove a ``postmaster.pid`` that a killed server left, so that a process which now has its pid does not block a start."""
    if _server(folder) is None:
        (folder / "postmaster.pid").unlink(missing_ok=True)


def _pid_file(folder: Path) -> list[str]:
    try:
        return [line.strip() for line in (folder / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _pid(folder: Path) -> int:
    lines = _pid_file(folder)
    return abs(int(lines[_PID])) if lines and lines[_PID].lstrip("-").isdigit() else 0


def _server(folder: Path) -> int | None:
    """Return the pid of the server that runs on *folder*, read once: the file may be gone at the next look. It is never 0."""
    pid = _pid(folder)
    return pid if pid and _alive(pid) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _is_postgres(pid)


def _is_postgres(pid: int) -> bool:
    """Return whether *pid* is a PostgreSQL that is not a zombie. Where /proc does not say, assume that it is."""
    try:
        name, _, state = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return not Path("/proc/self/stat").exists()
    return name == "postgres" and state.split()[0] != "Z"


def _main(folder: Path) -> None:
    if os.fork():
        os._exit(0)  # whoever started the guard goes on
    os.setsid()  # out of the reach of its terminal
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    with folder.with_name(f"{folder.name}.users").open("r+") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        stop(folder)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
