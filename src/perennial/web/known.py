"""The definitions of a folder, each read again only where its file has changed."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from perennial.core.errors import DefinitionError
from perennial.definition.loader import load
from perennial.definition.models import Definition

_SUFFIX = "*.yml"


class Known:
    """The definitions in *folder*, by name."""

    def __init__(self, folder: Path) -> None:
        """Begin with none; each is read when it is asked for."""
        self._folder, self._lock = folder, Lock()
        self._read: dict[str, tuple[tuple[int, int], Definition | None]] = {}

    def names(self) -> list[str]:
        """Return the names of all files, good and broken ones."""
        return sorted(file.stem for file in self._folder.glob(_SUFFIX))

    def get(self, model: str) -> Definition | None:
        """Return the definition of *model*; None where there is none, or it is broken."""
        file = self._folder / f"{model}.yml"
        try:
            found = file.stat()
        except OSError:
            return None
        state = (found.st_mtime_ns, found.st_size)
        with self._lock:
            before = self._read.get(model)
        if before is None or before[0] != state:
            before = (state, _read(file))
            with self._lock:
                self._read[model] = before
        return before[1]


def _read(file: Path) -> Definition | None:
    try:
        return load(file)
    except DefinitionError:
        return None
