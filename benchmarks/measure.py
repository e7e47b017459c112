"""One measurement, in a process of its own: seconds of what stands below the clock, CPU, and the peak of the memory.

    python benchmarks/measure.py STAGE VARIANT WORLD

runs one variant of one stage and prints what came of it as one line of JSON. Peers take turns run by run, so that a machine that
gets slower or busier in between does so for all of them.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data import World

MB = 1 << 20
ROOT = Path(__file__).resolve().parent.parent
QUIET = {"DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false", "PYTHONWARNINGS": "ignore"}
"""Nobody's product reports home while it is measured."""

TIMEOUT_S = 1800
NOT_COUNTED = "not counted"
"""The phase in which a whole process does what is not its subject; its time is taken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one phase of one run took.

    Attributes:
        seconds: On the clock.
        cpu: Seconds of CPU of this process and of children that have ended, not of the database's server.
        before: Memory in MB when the clock started.
        peak: The most memory in MB while it ran, of this process or the largest of its children.
    """

    seconds: float
    cpu: float = 0.0
    before: float = 0.0
    peak: float = 0.0

    def after(self, earlier: Taken) -> Taken:
        """Return both together."""
        return Taken(
            seconds=earlier.seconds + self.seconds,
            cpu=earlier.cpu + self.cpu,
            before=earlier.before,
            peak=max(earlier.peak, self.peak),
        )


class Clock:
    """``with clock("phase"):`` measures a phase; what stands outside of it is not measured."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.taken: dict[str, Taken] = {}

    @contextmanager
    def __call__(self, phase: str = "") -> Iterator[None]:
        """Measure what happens in the block."""
        _forget_peak()
        before, cpu, began = memory("VmRSS"), _cpu(), time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        taken = Taken(seconds=seconds, cpu=_cpu() - cpu, before=before, peak=memory("VmHWM"))
        self.taken[phase] = taken.after(self.taken[phase]) if phase in self.taken else taken


Function = Callable[[World, Clock], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to do a stage's work.

    Attributes:
        title: What it is called in the table.
        function: Does it, and returns figures that must agree between the variants of a stage.
        venv: Which environment it runs in: the product's own "", ``bench``, ``bench-evidently``.
        whole: The time of the whole process counts, with its start and imports.
        scale: What the measured seconds are multiplied with, where only a part of the work was done.
        remark: What a reader has to know.
    """

    title: str
    function: Function
    venv: str = "bench"
    whole: bool = False
    scale: float = 1.0
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is asked of our own variant beside a peer's: at least so many times faster, or at most so many times its time.

    Where several *peers* are named, the fastest of them counts. *bound* names a variant that does only what ours cannot do without:
    no client of the same server is faster, and so what it reaches is told beside what ours does.
    """

    peers: tuple[str, ...]
    faster: float | None = None
    within: float | None = None
    phase: str = ""
    peer_phase: str = ""
    bound: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One row of the table: our own variant, the peers beside it, and the goals.

    Attributes:
        name: The module that it stands in.
        title: What is done; ``{rows}`` and ``{window}`` are filled in.
        variants: The ways to do it by their names; ``perennial`` is ours.
        rows: How many rows the night has, where they are not as many as the others'.
        goals: What is asked of ours.
        peak_mb: By how much the memory of ours may grow, in MB.
        tolerance: By which share the figures of the variants may differ.
        left_out: What the peers do not do, or what is not measured.
        prepare: Makes what all runs need.
    """

    name: str
    title: str
    variants: Mapping[str, Variant]
    rows: int | None = None
    goals: tuple[Goal, ...] = ()
    peak_mb: float | None = None
    tolerance: float = 1e-9
    left_out: str = ""
    prepare: Callable[[World], None] = lambda _: None


@dataclass(slots=True)
class Outcome:
    """All runs of one variant, or why there are none."""

    taken: dict[str, list[Taken]] = field(default_factory=dict)
    answer: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    def median(self, phase: str = "") -> float:
        """Return the median of the seconds."""
        return statistics.median(taken.seconds for taken in self.taken[phase])


def measure(stage: Stage, world: World, runs: int, say: Callable[[str], None] = print) -> dict[str, Outcome]:
    """Run every variant of *stage* *runs* times, in turns, each in a new process."""
    outcomes = {name: Outcome() for name in stage.variants}
    for turn in range(runs):
        for name, variant in stage.variants.items():
            if not outcomes[name].reason:
                once(stage.name, name, variant, world, outcomes[name])
                say(f"  {stage.name} {turn + 1}/{runs} {variant.title}: {_told(outcomes[name])}")
    return outcomes


def disagreements(stage: Stage, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return where a variant's figures are not those of the first one, each as a sentence."""
    answered = {name: outcome.answer for name, outcome in outcomes.items() if outcome.answer}
    reference: dict[str, tuple[str, float]] = {}
    found = []
    for name, answer in answered.items():
        for figure, value in answer.items():
            first, expected = reference.setdefault(figure, (name, value))
            if abs(value - expected) > stage.tolerance * max(1.0, abs(expected)):
                found.append(f"{stage.name}: {figure} is {value!r} in {name}, {expected!r} in {first}")
    return found


def python_of(venv: str) -> Path:
    """Return the interpreter of an environment; the running one where that is not installed."""
    found = ROOT / f".venv-{venv}" / "bin" / "python"
    return found if venv and found.exists() else Path(sys.executable)


def once(stage: str, name: str, variant: Variant, world: World, outcome: Outcome) -> None:
    """Run one variant once, and add what it took to *outcome*."""
    command = [python_of(variant.venv), __file__, stage, name, world.to_json()]
    began = time.perf_counter()
    try:
        child = subprocess.run(command, env={**os.environ, **QUIET}, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        outcome.reason = f"took over {TIMEOUT_S} s"
        return
    seconds = time.perf_counter() - began
    if child.returncode:
        outcome.reason = child.stderr.strip().rpartition("\n")[2][:300] or f"ended with {child.returncode}"
        return
    said = json.loads(child.stdout.strip().rpartition("\n")[2])
    if variant.whole:
        aside = said["taken"].pop(NOT_COUNTED, {"seconds": 0.0, "cpu": 0.0})
        seconds, cpu = seconds - aside["seconds"], said["cpu"] - aside["cpu"]
        said["taken"] = {"": {"seconds": seconds, "cpu": cpu, "before": 0.0, "peak": said["peak"]}}
    for phase, taken in said["taken"].items():
        outcome.taken.setdefault(phase, []).append(Taken(**{**taken, "seconds": taken["seconds"] * variant.scale}))
    outcome.answer = said["answer"]


def _told(outcome: Outcome) -> str:
    if outcome.reason:
        return outcome.reason
    return ", ".join(
        f"{phase or 'all'} {taken[-1].seconds:.2f} s, {taken[-1].peak:.0f} MB" for phase, taken in outcome.taken.items()
    )


def memory(what: str) -> float:
    """Return a line of this process's status in MB: ``VmRSS`` or ``VmHWM``; NaN where there is no such file (not Linux)."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM to VmRSS
    except OSError:
        return


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _child(stage: str, name: str, world: World) -> dict[str, Any]:
    variant: Variant = importlib.import_module(stage).STAGE.variants[name]
    clock = Clock()
    answer = variant.function(world, clock)
    taken = {phase: {"seconds": t.seconds, "cpu": t.cpu, "before": t.before, "peak": t.peak} for phase, t in clock.taken.items()}
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    peak = max([memory("VmHWM"), children, *(t.peak for t in clock.taken.values())])
    return {"taken": taken, "answer": dict(answer), "cpu": _cpu(), "peak": peak}


if __name__ == "__main__":
    # Run as a script this file is called __main__; the stages import it by its name, so the work is done by that module.
    measuring = importlib.import_module("measure")
    print(json.dumps(measuring._child(sys.argv[1], sys.argv[2], World.from_json(sys.argv[3]))))  # noqa: SLF001 - it is this file
