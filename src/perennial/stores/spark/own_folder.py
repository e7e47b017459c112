"""A scratch folder for each of an executor's processes, which goes when the process has gone: by itself, or by SIGKILL."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from perennial.core.scratch import PREFIX as UNFINISHED

PREFIX = "perennial-executor-"
LOCK = "in-use"
_HELD: list[int] = []
"""Locks that the system gives back when this process ends, however it ends."""


def own_folder(scratch: Path) -> Path:
    """Return a new folder below *scratch* for this process, and remove those of processes that have ended.

    Spark kills processes in the middle, such as the slower one of a task that runs twice, and nobody collects on its machines. What
    lives holds a lock, so that no age is looked at, and several processes may do this at the same time. A folder gets its name only
    when it is locked.

    Raises:
        OSError: It cannot be made.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    for folder in scratch.glob(f"{PREFIX}*"):
        _remove_unless_used(folder)
    made = Path(mkdtemp(dir=scratch, prefix=UNFINISHED))
    lock = os.open(made / LOCK, os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _HELD.append(lock)
    return made.rename(scratch / made.name.replace(UNFINISHED, PREFIX))


def _remove_unless_used(folder: Path) -> None:
    with suppress(BlockingIOError):  # it is in use
        try:
            with (folder / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:  # whoever removed it is doing so, or was killed on the way
            shutil.rmtree(folder, ignore_errors=True)
