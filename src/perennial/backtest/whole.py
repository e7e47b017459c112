"""A file that is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO


def write_whole(path: Path, content: bytes) -> None:
    """Write *content* under a name of its own, and give it the name *path* when all is there.

    Nothing is flushed: after a power cut the file may be empty, which whoever reads it finds by its digest.
    """
    with _beside(path) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _beside(path: Path) -> IO[bytes]:
    """Return a new file in the folder of *path*, which is made where it is not there: seldom, and asking each time costs more."""
    try:
        return NamedTemporaryFile(dir=path.parent, prefix=".", delete=False)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return NamedTemporaryFile(dir=path.parent, prefix=".", delete=False)
