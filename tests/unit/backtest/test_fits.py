"""Fits: each job once, whoever asks for it, and whoever asks at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from perennial.backtest.fits import Fits
from perennial.backtest.shelf import Shelf
from perennial.core.codes import Code
from perennial.core.errors import TerminalError
from perennial.workshop.done import Done


class Counting:
    """A workshop that counts jobs, and writes what it was asked; it begins one when it may."""

    def __init__(self, *, fails: bool = False) -> None:
        """Count none yet."""
        self.jobs, self.fails, self.begun, self.may = 0, fails, Event(), Event()
        self.may.set()

    def prepare(self, module: str) -> None:
        """Need nothing."""

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:  # noqa: ARG002 - the port's
        """Do a job."""
        self.jobs += 1
        self.begun.set()
        assert self.may.wait(60)
        if self.fails:
            raise TerminalError(Code.MODEL_CRASHED, "crashed", where="fit")
        (folder / "model").write_text(f"{job} {ask['figure']}")
        return Done(value={"figure": ask["figure"]}, seconds=1.0, cpu_seconds=1.0, memory=0)


def asked(fits: Fits, folder: Path, rows: str = "rows", **ask: Any) -> tuple[Done, str]:
    """Have a job done on *rows* in a new folder, and return what came of it."""
    folder.mkdir()
    (folder / "rows").write_text(rows)
    done = fits.run("module:job", {"figure": 7, **ask}, folder, memory=1, seconds=1.0)
    return done, (folder / "model").read_text()


def test_a_job_is_done_once(tmp_path: Path) -> None:
    """The second time, also in another process, its result and its files are handed over."""
    first, second = Counting(), Counting()
    made = asked(Fits(Shelf(tmp_path / "cache"), [first]), tmp_path / "a")

    assert asked(Fits(Shelf(tmp_path / "cache"), [second]), tmp_path / "b") == made
    assert (first.jobs, second.jobs) == (1, 0)


def test_other_rows_and_other_questions_are_other_jobs(tmp_path: Path) -> None:
    """What a version is called is no part of the question."""
    workshop = Counting()
    fits = Fits(Shelf(tmp_path / "cache"), [workshop])
    questions: list[dict[str, Any]] = [{}, {"where": "v1"}, {"rows": "others"}, {"figure": 8}]
    for number, ask in enumerate(questions):
        asked(fits, tmp_path / str(number), **ask)

    assert workshop.jobs == 3


def test_who_asks_for_what_is_being_done_waits_for_it(tmp_path: Path) -> None:
    """One cache, two who ask at once: threads of one process, or, with a shelf of its own each, two processes."""
    slow, idle = Counting(), Counting()
    slow.may.clear()
    here, there = (Fits(Shelf(tmp_path / "cache"), [workshop]) for workshop in (slow, idle))
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(asked, here, tmp_path / "a")
        assert slow.begun.wait(60)
        others = [threads.submit(asked, fits, tmp_path / name) for name, fits in (("b", here), ("c", there))]
        slow.may.set()

    assert [one.result() for one in others] == [first.result()] * 2
    assert (slow.jobs, idle.jobs) == (1, 0)


def test_a_job_that_fails_is_not_kept(tmp_path: Path) -> None:
    """Whoever asks again has it tried again."""
    failing, good = Counting(fails=True), Counting()
    with pytest.raises(TerminalError, match="crashed"):
        asked(Fits(Shelf(tmp_path / "cache"), [failing]), tmp_path / "a")

    assert asked(Fits(Shelf(tmp_path / "cache"), [good]), tmp_path / "b")[1] == "module:job 7"
