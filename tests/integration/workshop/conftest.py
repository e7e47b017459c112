"""A workshop, and what its tests ask of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from perennial.workshop.done import Done
from perennial.workshop.owner import ProcessWorkshop

collect_ignore = ["files"]
"""Jobs, no tests."""
Run = Callable[..., Done]
PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the jobs be found."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "files"))


@pytest.fixture
def workshop() -> Iterator[ProcessWorkshop]:
    """A workshop that has not started yet."""
    with closing(ProcessWorkshop()) as made:
        yield made


@pytest.fixture
def run(workshop: ProcessWorkshop, tmp_path: Path) -> Run:
    """Have one of the odd jobs done: ``run("doubled", number=1)``."""

    def do(job: str, *, memory: int = 1 << 30, seconds: float = 60.0, **ask: Any) -> Done:
        return workshop.run(f"odd_jobs:{job}", ask, tmp_path, memory=memory, seconds=seconds)

    return do


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Return whether a process has ended, for which there is some time."""

    def wait(process: int) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while _lives(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not _lives(process)

    return wait


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    with suppress(FileNotFoundError, ProcessLookupError):  # it may end between one look and the next
        return not stat.parent.parent.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return False
