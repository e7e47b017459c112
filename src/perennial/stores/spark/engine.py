"""The port ``Engine`` over Spark."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.ports import Tools
from perennial.stores.spark.executor import DECLARED, work_on
from perennial.stores.spark.failure import failed
from perennial.stores.spark.job import PATIENCE_S, WHERE, answered, beside
from perennial.stores.spark.master import ATTEMPTS
from perennial.stores.spark.session import Started, start, unavailable
from perennial.workshop.outcome import error_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

P = TypeVar("P")


class SparkEngine:
    """Works on parts on the executors of a Spark, which starts when it is first asked, and ends when this is closed."""

    def __init__(self, master: str, tools: Callable[[], Tools], patience_s: float = PATIENCE_S) -> None:
        """Start nothing yet.

        Args:
            master: As Spark writes it.
            tools: Opens on an executor what work needs there. It travels, and is compared: two that are equal open the same.
            patience_s: How long it may take to start, and then how long no part may be worked on.
        """
        self._master, self._tools, self._patience_s = master, tools, patience_s
        self._lock = Lock()
        self._started: Started | None = None

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts* in a task of its own; see ``ports.Engine.map``."""
        if not parts:
            return []
        run = partial(work_on, work=work, parts=tuple(parts), tools=self._tools, attempts=ATTEMPTS)
        return _answers(self._done(run, len(parts)), len(parts))

    def close(self) -> None:
        """Stop the session, if there is one. Another use starts another one."""
        with self._lock:
            if self._started is not None and self._started.ours:
                self._started.session.stop()
            self._started = None

    def _done(self, run: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], count: int) -> pa.Table:
        with self._lock:
            self._started = self._started or _within(self._patience_s, partial(start, self._master))
            session = self._started.session
        from py4j.protocol import Py4JError  # noqa: PLC0415 - it is there, for a session has started
        from pyspark.errors import PySparkException  # noqa: PLC0415 - the same

        try:
            return answered(session.sparkContext, partial(_collected, session, run, count), self._patience_s)
        except (Py4JError, PySparkException) as error:
            found = failed(error, count, stopped=beside(partial(_stopped, session)).result())
            if found.code == Code.ENGINE_UNAVAILABLE:
                self.close()  # it has ended, and a retry starts another one
            raise found from None  # its text may quote a row


def _within(patience_s: float, begin: Callable[[], Started]) -> Started:
    """Return what *begin* starts; what starts after whoever waits has left is stopped again.

    Raises:
        UnavailableError: ENGINE_UNAVAILABLE, it takes longer than *patience_s*.
    """
    starting = beside(begin)
    try:
        return starting.result(patience_s)
    except BaseException as error:
        starting.add_done_callback(_stop)
        if isinstance(error, TimeoutError):
            raise unavailable(f"did not start within {patience_s:.0f} s") from None
        raise


def _stop(starting: Future[Started]) -> None:
    if starting.exception() is None and starting.result().ours:
        starting.result().session.stop()


def _stopped(session: SparkSession) -> bool:
    from py4j.protocol import Py4JError  # noqa: PLC0415 - it is there, for a session has started

    try:
        return bool(session.sparkContext._jsc.sc().isStopped())  # noqa: SLF001 - the public way asks PySpark, not Spark
    except Py4JError:  # Java has ended
        return True


def _collected(session: SparkSession, run: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], count: int) -> pa.Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of pandas 3; nothing here is a pandas frame
        return session.range(0, count, 1, count).mapInArrow(run, DECLARED).toArrow()


def _answers(table: pa.Table, count: int) -> list[bytes]:
    """Return the answers in the order of the *count* parts.

    Raises:
        PerennialError: What the first part says that has an error.
        UnavailableError: ENGINE_FAILED, there is not one answer to each part. A night without some of its rows would look whole.
    """
    rows = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True), key=lambda row: row[0])
    for _, _, error in rows:
        if error is not None:
            raise error_of(json.loads(error))
    if [number for number, _, _ in rows] != list(range(count)):
        message = f"answered {len(rows)} times to {count} parts, which must be once to each"
        raise UnavailableError(Code.ENGINE_FAILED, message, where=WHERE, fix="Try again; nothing was published.")
    return [answer for _, answer, _ in rows]
