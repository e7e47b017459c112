"""A job of Spark's that one can stop waiting for: it ends with whoever waits, and waits for no machine that never comes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError

if TYPE_CHECKING:
    from pyspark import SparkContext

T = TypeVar("T")
PATIENCE_S = 600.0
"""So long a step waits for Spark to start, and then for some machine to work on its parts. A cloud may have to start one."""
LOOK_S = 5.0
ENDING_S = 30.0
WHERE = "spark"


def beside(call: Callable[[], T]) -> Future[T]:
    """Return what becomes of *call*, which a thread of its own makes.

    PySpark waits in ways that a signal does not end, and a call to Java that a signal does end leaves its answer to the next one.
    So a thread that may be interrupted does not speak with Java itself: it waits for one that does.
    """
    future: Future[T] = Future()

    def make() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            future.set_exception(error)

    Thread(target=make, name="perennial-spark", daemon=True).start()
    return future


def answered(context: SparkContext, collect: Callable[[], T], patience_s: float) -> T:
    """Return what *collect* brings from Spark. Its job is cancelled where a signal, or a lack of machines, ends the wait.

    Raises:
        UnavailableError: ENGINE_UNAVAILABLE, for *patience_s* seconds nothing was worked on.
    """
    group = f"perennial-{uuid4()}"

    def run() -> T:
        context.setJobGroup(group, "perennial")  # of this thread, and of those that Java starts for it
        return collect()

    job = beside(run)
    try:
        _await(job, partial(_at_work, context, group), patience_s)
        return job.result()
    except BaseException:
        _cancel(job, partial(context.cancelJobGroup, group))
        raise


def _await(job: Future[T], at_work: Callable[[], bool], patience_s: float) -> None:
    since = monotonic()
    while not wait([job], timeout=min(LOOK_S, patience_s)).done:
        if beside(at_work).result():
            since = monotonic()
        elif monotonic() - since > patience_s:
            fix = "Has the master workers with cores and memory to spare (spark.executor.cores, spark.executor.memory)?"
            message = f"has no machine to work on: nothing was begun for {patience_s:.0f} s"
            raise UnavailableError(Code.ENGINE_UNAVAILABLE, message, where=WHERE, fix=fix)


def _at_work(context: SparkContext, group: str) -> bool:
    """Return whether some machine works on a job of *group*."""
    tracker = context.statusTracker()
    jobs = [tracker.getJobInfo(number) for number in tracker.getJobIdsForGroup(group)]
    stages = [tracker.getStageInfo(number) for job in jobs if job for number in job.stageIds]
    return any(stage.numActiveTasks for stage in stages if stage)


def _cancel(job: Future[T], cancel: Callable[[], None]) -> None:
    """Cancel *job* until it has ended: it may only now be submitted."""
    end = monotonic() + ENDING_S
    while not job.done() and monotonic() < end:
        beside(cancel)
        wait([job], timeout=1)
