"""A workshop, and what its tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perennial.workshop.done import Done
from perennial.workshop.owner import ProcessWorkshop

collect_ignore = ["files"]
"""Jobs, no tests."""
Run = Callable[..., Done]


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
