"""Runs the components of a local Airflow: one process imports what they share, and forks each of them.

Importing Airflow costs about 3 seconds of one core per component; forking costs milliseconds. The scheduler also imports what the
tasks need before it forks their processes, so that no task pays for it again. It imports only: OpenMP, which does not survive a
fork after it has run, has not run; OpenBLAS is told to start no threads; and the one thread that is there, of pyarrow's jemalloc,
knows about forks.

``python -m perennial.orchestration.components '{"logs": folder, "warm": [modules], "components": {name: [arguments]}}'``
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

SCHEDULER = "scheduler"
_STOP_S = {SCHEDULER: 8.0}
"""How long a component may take to stop: the scheduler waits for running tasks. The others have nothing to lose."""
_OTHERS_STOP_S = 1.5
_PR_SET_PDEATHSIG = 1
_SHARED = (
    "airflow.cli.cli_parser",
    "airflow.settings",
    "airflow.cli.commands.scheduler_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.cli.commands.triggerer_command",
    "airflow.executors.local_executor",
)


def main() -> None:
    """Start every component, and end with the first that ends, or on SIGTERM."""
    options = json.loads(sys.argv[1])
    _end_with_parent()
    for module in _SHARED:
        importlib.import_module(module)
    gc.freeze()  # forked processes share these objects' memory
    running: dict[int, str] = {}
    for name, arguments in options["components"].items():
        pid = os.fork()
        if pid == 0:
            _become(name, arguments, Path(options["logs"]), options["warm"] if name == SCHEDULER else [])
        running[pid] = name
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        ended, status = os.wait()
        sys.stderr.write(f"{running.pop(ended)} ended with status {os.waitstatus_to_exitcode(status)}\n")
        sys.exit(1)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _stop(running)


def _become(name: str, arguments: list[str], logs: Path, warm: list[str]) -> NoReturn:
    os.setpgid(0, 0)
    _end_with_parent()
    log = os.open(logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    for module in warm:
        with contextlib.suppress(ImportError):  # the task that needs it says so
            importlib.import_module(module)
    from airflow.__main__ import main as airflow  # noqa: PLC0415 - the fork's own work

    sys.argv = ["airflow", name, *arguments]
    airflow()  # type: ignore[no-untyped-call] # Airflow's own entry point
    sys.exit(0)


def _stop(running: dict[int, str]) -> None:
    for pid in running:
        _signal(pid, signal.SIGTERM)
    began = time.monotonic()
    while running:
        for pid, name in list(running.items()):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                del running[pid]
            elif time.monotonic() - began > _STOP_S.get(name, _OTHERS_STOP_S):
                _signal(pid, signal.SIGKILL)
        time.sleep(0.02)


def _signal(pid: int, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, kind)


def _end_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies, which happens first only to somebody who kills the guard itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main()
