"""From how a job's process ended to what it returned, or to the error that whoever asked gets."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, TerminalError, UnavailableError
from perennial.workshop import outcome
from perennial.workshop.done import Done

UNWRITTEN = 74
"""The status of a process that could not write its outcome: EX_IOERR."""

_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
"""What ends a process that did nothing wrong: a system short of memory, a shutdown, a person."""


def done(answer: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:
    """Return what a job returned and took.

    Args:
        answer: What the server said of its process.
        folder: Where it wrote its outcome.
        memory: The most memory that it might ask for, in bytes.
        seconds: How long it might take.

    Raises:
        PerennialError: What the job raised.
        TerminalError: MEMORY_LIMIT, MODEL_CRASHED, MODEL_TIMEOUT.
        UnavailableError: MODEL_KILLED; STORE_UNAVAILABLE, its outcome could not be written.
    """
    said = outcome.read(folder)
    if answer["late"] or answer["status"] != 0 or said is None:
        raise _broken(answer, memory, seconds)
    if "error" in said:
        raise outcome.error_of(said["error"])
    return Done(
        value=said["value"],
        seconds=answer["seconds"],
        cpu_seconds=answer["cpu_seconds"],
        memory=max(0, answer["peak"] - said["began_with"]),
    )


def beyond(memory: int) -> PerennialError:
    """Return the error of a job that asked for more than *memory* bytes."""
    fix = "Raise estimator.memory in the definition, or give the estimator less to do: a shorter window, fewer features."
    return TerminalError(Code.MEMORY_LIMIT, f"needs more than the {memory >> 20} MiB of estimator.memory", fix=fix)


def _broken(answer: Mapping[str, Any], memory: int, seconds: float) -> PerennialError:
    if answer["late"]:
        fix = "Raise estimator.time in the definition, or give the estimator less to do."
        return TerminalError(Code.MODEL_TIMEOUT, f"took longer than {seconds:g} s and was stopped", fix=fix)
    if answer["status"] == UNWRITTEN:
        return UnavailableError(Code.STORE_UNAVAILABLE, "could not be written to", where="scratch")
    found = f"{_ended(answer['status'])} before it was done"
    if -answer["status"] in _FROM_OUTSIDE:
        fix = "Try again. The system kills what takes the last memory of the machine: leave it more, or lower estimator.memory."
        return UnavailableError(Code.MODEL_KILLED, found, fix=fix)
    fix = (
        f"Look for a crash in the estimator's own code. One that may ask for no more than {memory >> 20} MiB (estimator.memory) "
        "can crash where it does not look whether it got it."
    )
    return TerminalError(Code.MODEL_CRASHED, found, fix=fix)


def _ended(status: int) -> str:
    """Write how a process ended.

    Examples:
        >>> _ended(-11), _ended(3)
        ('was ended by SIGSEGV', 'ended with status 3')
    """
    if status >= 0:
        return f"ended with status {status}"
    names = {kind.value: kind.name for kind in signal.Signals}
    return f"was ended by {names.get(-status, f'signal {-status}')}"
