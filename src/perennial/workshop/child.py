"""One job, in a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from perennial.workshop import outcome
from perennial.workshop.ending import UNWRITTEN, beyond
from perennial.workshop.memory import limited, own_peak

Job = Callable[[dict[str, Any], Path], dict[str, Any]]
_PR_SET_PDEATHSIG = 1


def live(order: Mapping[str, Any], job: Job, parent: int) -> NoReturn:
    """Be the process of one job: do it, say what came of it, and end without any more ado.

    Args:
        order: ``ask``, ``folder``, ``memory`` in bytes, and ``path``, where modules are looked for.
        job: What to do.
        parent: The process that forked this one, with which it dies.
    """
    status = 1
    try:
        _settle(parent)
        sys.path[:] = order["path"]
        importlib.invalidate_caches()
        _do(job, order, own_peak())
        status = 0
    except OSError:
        status = UNWRITTEN
    finally:  # nothing of the parent's is ended or flushed here, and no thread is waited for
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _do(job: Job, order: Mapping[str, Any], began_with: int) -> None:
    folder, memory = Path(order["folder"]), order["memory"]
    try:
        with limited(memory):
            value = job(order["ask"], folder)
    except Exception as error:  # noqa: BLE001 - somebody's estimator may raise anything
        shown = beyond(memory) if _out_of_memory(error) else error
        outcome.written(folder, began_with=began_with, error=outcome.told(shown))
    else:
        outcome.written(folder, began_with=began_with, value=value)


def _out_of_memory(error: BaseException | None) -> bool:
    """Return whether *error* came from a lack of memory, whatever it was turned into on its way."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _settle(parent: int) -> None:
    """Lead a group of processes, so that all are found at the end; die with *parent*; take signals as any program does."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for kind in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(kind, signal.SIG_DFL)
    if sys.platform == "linux":  # elsewhere a process is not told that its parent ended; the parent kills it where it still can
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before
            os._exit(1)
