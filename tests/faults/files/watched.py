"""What a process does beside computing, as Python's audit events tell it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_FORBIDDEN = (
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "os.putenv", "os.unsetenv"),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"),
    *("shutil.", "socket.", "pickle.", "urllib.", "webbrowser.", "builtins.input", "code.__new__", "function.__new__", "pty."),
)
_OURS = ("numpy", "scipy", "sklearn", "pandas", "skops", "joblib", "threadpoolctl", "perennial")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_LITERAL = "<unknown>"
"""What ``ast.literal_eval`` compiles: to a tree, which is not run. numpy reads the header of an array so."""


def watch() -> list[str]:
    """Return a list that gets an entry for whatever this process runs, writes, opens or imports from now on.

    Allowed are: to read files, and to import what belongs to Python or to the libraries below a model. It cannot be turned off
    again.
    """
    seen: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if _is_forbidden(event, arguments):
            seen.append(f"{event} {arguments!r:.120}")

    sys.addaudithook(hook)
    eval(compile("1", "<watched>", "eval"))  # noqa: S307 - to see that it is seen
    with open(os.devnull, "w"):  # noqa: PTH123 - to see that it is seen
        pass
    told = [entry.split()[0] for entry in seen]
    if told != ["compile", "exec", "open"]:
        raise SystemExit(f"the watch sees {told}")
    seen.clear()
    return seen


def _is_forbidden(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        _, mode, flags = arguments
        return any(letter in (mode or "r") for letter in "wax+") or bool((flags or 0) & _WRITES)
    if event == "import":
        root = str(arguments[0]).partition(".")[0]
        return root not in _OURS and root not in sys.stdlib_module_names
    if event == "exec":
        return not str(arguments[0].co_filename).startswith((sys.prefix, sys.base_prefix, "<frozen "))
    if event == "compile":
        return not str(arguments[1]).startswith((_LITERAL, sys.prefix, sys.base_prefix))
    return event.startswith(_FORBIDDEN)


def data_bytes() -> int:
    """Return how much private memory this process has, as its limit counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData"))
