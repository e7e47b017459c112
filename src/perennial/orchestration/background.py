"""Airflow on this machine in the background: started by one call, stopped by another.

``python -m perennial.orchestration.background FOLDER_OF_DAGS FOLDER_OF_PLUGINS`` is the process in between, with the settings of
its environment. It ends on SIGTERM, and with it everything that it started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from perennial import wiring
from perennial.core.codes import Code
from perennial.core.errors import ConflictError, UnavailableError
from perennial.definition.loader import load_folder
from perennial.orchestration.local_airflow import LocalAirflow

_START_TIMEOUT_S = 240.0
_STOP_TIMEOUT_S = 60.0
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Running:
    """Where the Airflow in the background is, and who may log in."""

    pid: int
    address: str
    username: str
    password: str = field(repr=False)


def start(settings: wiring.Settings, *, dags: Path, plugins: Path) -> Running:
    """Start Airflow for *settings* in a process of its own, and return when it is healthy.

    Raises:
        ConflictError: AIRFLOW_RUNNING, it runs already.
        UnavailableError: AIRFLOW_STOPPED, it ended while starting.
    """
    already = running(settings)
    if already is not None:
        message = f"runs already, at {already.address}, user {already.username}, password {already.password}"
        raise ConflictError(Code.AIRFLOW_RUNNING, message, where="local Airflow")
    settings.home.mkdir(parents=True, exist_ok=True)
    log = settings.home / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__, str(dags), str(plugins)],
            env={**wiring.environment(), **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        found = running(settings)
        if found is not None:
            return found
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip().rpartition("\n")[2]
            raise UnavailableError(Code.AIRFLOW_STOPPED, f"it ended while starting: {said}; see {log}", where="local Airflow")
        time.sleep(_POLL_S)
    process.terminate()
    raise UnavailableError(Code.AIRFLOW_TIMEOUT, f"not healthy after {_START_TIMEOUT_S:g} s; see {log}", where="local Airflow")


def stop(settings: wiring.Settings) -> bool:
    """Stop what *start* started, and return whether there was something to stop."""
    found = running(settings)
    if found is None:
        return False
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while _alive(found.pid) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return True


def running(settings: wiring.Settings) -> Running | None:
    """Return what *start* started, if it is still there."""
    try:
        found = Running(**json.loads(_state(settings).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if _alive(found.pid) else None


def main() -> None:
    """Be the process in between: start everything, say where it is, wait, stop everything."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    settings = wiring.settings()
    dags, plugins = (Path(argument) for argument in sys.argv[1:3])
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
            state = _state(settings)
            state.touch(mode=0o600)
            here = {
                "pid": os.getpid(),
                "address": airflow.address,
                "username": airflow.login.username,
                "password": airflow.login.password,
            }
            state.write_text(json.dumps(here))
            try:
                while True:
                    airflow.check()
                    time.sleep(1.0)
            finally:
                state.unlink(missing_ok=True)


def _inner(settings: wiring.Settings, embedded: wiring.Databases) -> wiring.Settings:
    """Return the settings of the tasks: the embedded server's databases stand in for what is not configured."""
    definitions = load_folder(settings.definitions).definitions
    named = {relation.connection for definition in definitions for relation in (definition.source, definition.labels)}
    sources = {name: embedded.beside(name) or "" for name in named - set(settings.connections)}
    ledger = settings.database_url or embedded.ledger
    return replace(settings, database_url=ledger, connections={**sources, **settings.connections})


def _state(settings: wiring.Settings) -> Path:
    return settings.home / "up.json"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
