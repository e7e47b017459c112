"""A workshop that does each job once, whoever asks for it, and several of them at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

from perennial.backtest.policies import learning_part
from perennial.backtest.shelf import Shelf
from perennial.core.digest import canonical_json, digest_file, digest_json
from perennial.core.file_errors import file_errors
from perennial.ports import Workshop
from perennial.steps.jobs import FIT
from perennial.workshop.done import Done


class Fits:
    """The port ``Workshop``: jobs by what they are given. What a job made is on the shelf; what is being made is waited for."""

    def __init__(self, shelf: Shelf, workshops: Sequence[Workshop]) -> None:
        """Do jobs in *workshops*, each one job at a time."""
        self._shelf, self._workshops = shelf, workshops
        self._free: SimpleQueue[Workshop] = SimpleQueue()
        for workshop in workshops:
            self._free.put(workshop)
        self._lock, self._begun = Lock(), dict[str, Future[None]]()
        self.done = list[tuple[str, Done]]()
        """What was really done since this was made, by job."""

    @property
    def fitted(self) -> int:
        """How many models were really fitted."""
        return sum(job.startswith(FIT) for job, _ in self.done)

    def prepare(self, module: str) -> None:
        """Have every workshop get ready."""
        for workshop in self._workshops:
            workshop.prepare(module)

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:
        """Run a job, or give what it made before; see ``ports.Workshop.run``."""
        given = {path.name: digest_file(path) for path in sorted(folder.iterdir())}
        key = digest_json(["job", job, _content(ask), given])
        found = self._found(key)
        if found is None:
            self._once(key, lambda: self._made(key, job, ask, folder, memory=memory, seconds=seconds))
            found = self._found(key)
        if found is None:
            return self._made(key, job, ask, folder, memory=memory, seconds=seconds)
        return self._handed(found, folder, given)

    def _found(self, key: str) -> bytes | None:
        """Return the entry under *key*, if all that it names is there."""
        found = self._shelf.find(key)
        whole = found is not None and all(map(self._shelf.artifacts.holds, json.loads(found)["files"].values()))
        return found if whole else None

    def _once(self, key: str, make: Callable[[], object]) -> None:
        """Make it, unless another thread is at it: then wait for that."""
        with self._lock:
            begun = self._begun.get(key)
            mine = self._begun.setdefault(key, Future()) if begun is None else None
        if mine is None:
            begun.exception() if begun else None
            return
        try:
            with self._shelf.alone(key):
                if self._found(key) is None:  # another process was faster
                    make()
        finally:
            with self._lock:
                del self._begun[key]
            mine.set_result(None)

    def _made(self, key: str, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:
        before = {path.name for path in folder.iterdir()}
        workshop = self._free.get()
        try:
            done = workshop.run(job, ask, folder, memory=memory, seconds=seconds)
        finally:
            self._free.put(workshop)
        made = sorted(path for path in folder.iterdir() if path.name not in before)
        files = {path.name: self._shelf.artifacts.put(path) for path in made}
        self._shelf.keep(key, canonical_json({"done": asdict(done), "files": files}))
        self.done.append((job, done))
        return done

    def _handed(self, found: bytes, folder: Path, given: Mapping[str, str]) -> Done:
        entry = json.loads(found)
        for name, digest in entry["files"].items():
            if name not in given:
                with file_errors("scratch"):
                    (folder / name).write_bytes(self._shelf.artifacts.get(digest))
        return Done(**entry["done"])


def _content(ask: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job's result depends on: not on what it is called, nor on the policy."""
    told = {name: value for name, value in ask.items() if name != "where"}
    return told | ({"definition": learning_part(ask["definition"])} if "definition" in ask else {})
