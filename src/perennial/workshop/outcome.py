"""What a job says at its end, in a file: what it returned, or its error, which becomes the same error in whoever asked."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from perennial.core import errors
from perennial.core.codes import Code
from perennial.core.errors import Fault, PerennialError, TerminalError

NAME = "outcome.json"
MAX_BYTES = 16 << 20


def written(folder: Path, **said: object) -> None:
    """Write what a job says."""
    (folder / NAME).write_text(json.dumps(said))


def read(folder: Path) -> dict[str, Any] | None:
    """Return what a job said; None where it ended before it could, or said what nobody reads."""
    path = folder / NAME
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def told(error: Exception, other: Code = Code.MODEL_CRASHED) -> dict[str, Any]:
    """Return an *error* as JSON types.

    Of one that is not ours, the text is left out, as libraries put a row's value into it; it gets the code *other*.
    """
    if not isinstance(error, PerennialError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        error = TerminalError(other, f"ended with {place}")
    faults = [{"code": fault.code.value, "message": fault.message, "where": fault.where} for fault in error.faults]
    return {"kind": type(error).__name__, "faults": faults, "fix": error.fix}


def error_of(said: Mapping[str, Any]) -> PerennialError:
    """Return the error that was *told*."""
    faults = [Fault(Code[fault["code"]], fault["message"], fault["where"]) for fault in said["faults"]]
    return _KINDS[said["kind"]].of(faults, fix=said["fix"])


def _kinds(kind: type[PerennialError]) -> Iterator[tuple[str, type[PerennialError]]]:
    yield kind.__name__, kind
    for narrower in kind.__subclasses__():
        if narrower.__module__ == errors.__name__:
            yield from _kinds(narrower)


_KINDS = dict(_kinds(PerennialError))
