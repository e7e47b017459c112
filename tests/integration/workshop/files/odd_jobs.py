"""Jobs that a workshop's tests have done: good ones, and those that fail in every way."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections import deque
from itertools import repeat
from pathlib import Path
from typing import Any

from perennial.core.codes import Code
from perennial.core.errors import DataError, Fault, RejectedError

SECRET = "Kanarienvogel"


def doubled(ask: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return twice the number, and write it."""
    (folder / "doubled").write_text(str(2 * ask["number"]))
    return {"doubled": 2 * ask["number"]}


def hold(ask: dict[str, Any], _: Path) -> dict[str, Any]:
    """Hold so many bytes for a moment, each of them written."""
    return {"held": len(b"x" * ask["bytes"])}


def work(ask: dict[str, Any], _: Path) -> dict[str, Any]:
    """Work for so long."""
    while time.process_time() < ask["cpu"]:
        pass
    return {}


def processes(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Tell which process this is, and which forked it."""
    return {"own": os.getpid(), "server": os.getppid()}


def surroundings(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Tell the environment and the standard input, and speak to the standard output."""
    print("a line of an estimator")  # noqa: T201 - that is the point
    os.system("echo a line of a program")  # noqa: S605 - the same
    return {"environment": dict(os.environ), "input": sys.stdin.read()}


def told(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Tell what a C library sees of how long threads may spin."""
    return {"spins": subprocess.check_output(["/bin/sh", "-c", "echo $GOMP_SPINCOUNT"], text=True).strip()}


def imported(ask: dict[str, Any], _: Path) -> dict[str, Any]:
    """Tell what a module says."""
    return {"said": __import__(ask["module"]).SAID}


def refuse(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Fail with two faults of ours."""
    faults = [Fault(Code.SCHEMA_MISSING, "is not there", "a"), Fault(Code.SCHEMA_TYPE, "must be a number, got text", "b")]
    raise DataError.of(faults, fix="Deliver them.")


def refuse_again(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Fail with an error of another class."""
    raise RejectedError(Code.STORE_FULL, "has no space left", where="scratch")


def fail(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Fail with somebody's error, which quotes a row."""
    raise ValueError(SECRET)


def hide(ask: dict[str, Any], _: Path) -> dict[str, Any]:
    """Ask for too much memory, and say something else, as a library may."""
    try:
        bytearray(ask["bytes"])
    except MemoryError:
        raise ValueError(SECRET) from None
    return {}


def crash(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Read where nothing is."""
    ctypes.string_at(0)
    return {}


def leave(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """End without a word."""
    os._exit(3)


def give_up(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """End as a program does."""
    sys.exit("enough")


def loop(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Loop in C, where no signal is looked at."""
    deque(repeat(0), maxlen=0)
    return {}


def say_and_loop(ask: dict[str, Any], _: Path) -> dict[str, Any]:
    """Tell which processes these are, in a file, and loop in C."""
    path = Path(ask["path"])
    path.with_suffix(".part").write_text(f"{os.getpid()} {os.getppid()}")
    path.with_suffix(".part").rename(path)
    deque(repeat(0), maxlen=0)
    return {}


def leave_somebody(_: dict[str, Any], __: Path) -> dict[str, Any]:
    """Start a program and forget it."""
    return {"left": subprocess.Popen(["sleep", "60"]).pid}


def unwritable(_: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Take away the folder in which the outcome would be written."""
    folder.rmdir()
    return {}
