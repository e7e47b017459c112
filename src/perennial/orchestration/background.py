"""Airflow on this machine in the background: started by one call, stopped by another.

``python -m perennial.orchestration.background FOLDER_OF_DAGS FOLDER_OF_PLUGINS PID`` is the process in between, with the settings
of its environment. It ends on SIGTERM, and with it everything that it started; it also ends if the process PID, which waits for it
to be ready, is gone by then.

As long as it lives it holds a lock. The kernel drops a lock with its process, so a process number that was given to somebody else
in the meantime is never taken for it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import ConflictError, PerennialError, RejectedError, TransientError, UnavailableError
from perennial.definition.loader import load_folder
from perennial.orchestration.local_airflow import LocalAirflow

_WHERE = "local Airflow"
_START_TIMEOUT_S = 240.0
_STOP_TIMEOUT_S = 60.0
_KILL_TIMEOUT_S = 10.0
_LOCK_TIMEOUT_S = 1.0
_POLL_S = 0.1
_TERMINAL, _TRANSIENT = 3, 4


@dataclass(frozen=True, slots=True)
class Running:
    """Where the Airflow in the background is, and who may log in."""

    pid: int
    address: str
    username: str
    password: str = field(repr=False)


def start(settings: wiring.Settings, *, dags: Path, plugins: Path) -> Running:
    """Start Airflow for *settings* in a process of its own, and return when it is healthy.

    If this is interrupted, everything is stopped again.

    Raises:
        ConflictError: AIRFLOW_RUNNING, it runs already, or is just being started.
        RejectedError: AIRFLOW_STOPPED, it ended while starting, and would again.
        UnavailableError: AIRFLOW_STOPPED, it ended while starting; AIRFLOW_TIMEOUT.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    if _is_held(settings):
        raise _conflict(running(settings))
    log = settings.home / "up.log"
    process = _spawn(settings, dags, plugins, log)
    try:
        return _wait_until_ready(settings, process, log)
    except BaseException:
        _end(process)
        raise


def stop(settings: wiring.Settings) -> bool:
    """Stop what *start* started, and return whether there was something to stop.

    Raises:
        UnavailableError: AIRFLOW_TIMEOUT, it does not end.
    """
    if not _is_held(settings):
        return False
    for kind, patience_s in ((signal.SIGTERM, _STOP_TIMEOUT_S), (signal.SIGKILL, _KILL_TIMEOUT_S)):
        told, deadline = False, time.monotonic() + patience_s
        while time.monotonic() < deadline:
            told = told or _tell(settings, kind)
            if not _is_held(settings):
                return True
            time.sleep(_POLL_S)
    raise UnavailableError(Code.AIRFLOW_TIMEOUT, f"process {_pid(settings)} does not end", where=_WHERE)


def running(settings: wiring.Settings) -> Running | None:
    """Return what *start* started, if it is there and ready."""
    if not _is_held(settings):
        return None
    try:
        return Running(**json.loads(_state(settings).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def main() -> int:
    """Be the process in between: start everything, say where it is, wait, stop everything."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    dags, plugins, parent = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    settings = wiring.settings()
    try:
        with _held(settings), _airflow(settings, dags, plugins) as airflow:
            _stay(settings, airflow, parent)
    except PerennialError as error:
        sys.stderr.write(f"{error}\n")
        return _TRANSIENT if isinstance(error, TransientError) else _TERMINAL
    return 0


def _spawn(settings: wiring.Settings, dags: Path, plugins: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "perennial.orchestration.background", str(dags), str(plugins), str(os.getpid())],
            env={**wiring.environment(), **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_until_ready(settings: wiring.Settings, process: subprocess.Popen[bytes], log: Path) -> Running:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        found = running(settings)
        if found is not None and found.pid == process.pid:
            return found
        if process.poll() is not None:
            raise _ended(process.returncode, log) if found is None else _conflict(found)
        time.sleep(_POLL_S)
    raise UnavailableError(Code.AIRFLOW_TIMEOUT, f"not healthy after {_START_TIMEOUT_S:g} s; see {log}", where=_WHERE)


def _ended(status: int, log: Path) -> PerennialError:
    said = log.read_text(errors="replace").strip().rpartition("\n")[2]
    kind = RejectedError if status == _TERMINAL else UnavailableError
    return kind(Code.AIRFLOW_STOPPED, f"it ended while starting: {said}; see {log}", where=_WHERE)


def _conflict(found: Running | None) -> ConflictError:
    what = "is just being started" if found is None else f"runs already, at {found.address}, user {found.username}"
    return ConflictError(Code.AIRFLOW_RUNNING, what, where=_WHERE, fix="perennial down stops it.")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the process in between, which then stops everything; if it does not, its guards do when it is killed."""
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_KILL_TIMEOUT_S)


def _leave(*_: object) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # once is enough: a second one would interrupt the stopping
    sys.exit(0)


@contextmanager
def _airflow(settings: wiring.Settings, dags: Path, plugins: Path) -> Iterator[LocalAirflow]:
    """Run the embedded PostgreSQL, for Airflow's own tables, and Airflow."""
    with wiring.databases(replace(settings, database_url=None)) as embedded:
        inner = _inner(settings, embedded)
        with LocalAirflow(
            settings.home / "airflow",
            dags=dags,
            plugins=plugins,
            metadata_url=embedded.beside("airflow") or "",
            environment={**wiring.environment(), **inner.environment()},
            hold=embedded.hold,
        ) as airflow:
            yield airflow


def _stay(settings: wiring.Settings, airflow: LocalAirflow, parent: int) -> None:
    """Say where Airflow is, and wait until told to leave. If nobody waits for the word any more, leave at once."""
    if os.getppid() != parent:
        return
    login = airflow.login
    _write_private(_state(settings), asdict(Running(os.getpid(), airflow.address, login.username, login.password)))
    while True:
        airflow.check()
        time.sleep(1.0)


def _inner(settings: wiring.Settings, embedded: wiring.Databases) -> wiring.Settings:
    """Return the settings of the tasks: without a database of one's own, those of the embedded server stand in."""
    if settings.database_url:
        return settings
    definitions = load_folder(settings.definitions).definitions
    named = {relation.connection for definition in definitions for relation in (definition.source, definition.labels)}
    sources = {name: embedded.beside(name) or "" for name in named - set(settings.connections)}
    return replace(settings, database_url=embedded.ledger, connections={**sources, **settings.connections})


@contextmanager
def _held(settings: wiring.Settings) -> Iterator[None]:
    """Hold the lock of the home's one Airflow in the background, with this process's number in it.

    Raises:
        ConflictError: AIRFLOW_RUNNING.
    """
    with os.fdopen(os.open(_lock(settings), os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        if not _locks(lock.fileno()):
            raise _conflict(running(settings))
        _state(settings).unlink(missing_ok=True)  # of one that was killed
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            _state(settings).unlink(missing_ok=True)


def _locks(lock: int) -> bool:
    """Take the lock. Who only asks whether it is held holds it for a moment, so one failure says nothing."""
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S / 10)
        else:
            return True


def _is_held(settings: wiring.Settings) -> bool:
    try:
        with _lock(settings).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    return False


def _tell(settings: wiring.Settings, kind: signal.Signals) -> bool:
    """Send *kind* to the process that holds the lock, and return whether its number was there already."""
    pid = _pid(settings)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, kind)
    return True


def _pid(settings: wiring.Settings) -> int | None:
    """Return the number in the lock's file. It comes a moment after the lock."""
    return int(_lock(settings).read_text() or 0) or None


def _write_private(path: Path, content: object) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
    fresh.replace(path)


def _lock(settings: wiring.Settings) -> Path:
    return settings.home / "up.lock"


def _state(settings: wiring.Settings) -> Path:
    return settings.home / "up.json"


if __name__ == "__main__":
    sys.exit(main())
