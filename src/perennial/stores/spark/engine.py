"""The port ``Engine`` over Spark."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.ports import Tools
from perennial.stores.spark.executor import DECLARED, work_on
from perennial.stores.spark.master import ATTEMPTS
from perennial.stores.spark.session import WHERE, Started, start
from perennial.workshop.outcome import error_of

if TYPE_CHECKING:
    import pyarrow as pa

P = TypeVar("P")
_TASK = re.compile(r"Task (\d+) in stage")


class SparkEngine:
    """Works on parts on the executors of a Spark, which starts when it is first asked, and ends when this is closed."""

    def __init__(self, master: str, tools: Callable[[], Tools], options: Mapping[str, str] | None = None) -> None:
        """Start nothing yet.

        Args:
            master: As Spark writes it.
            tools: Opens on an executor what work needs there. It travels, and is compared: two that are equal open the same.
            options: Settings of Spark's own.
        """
        self._master, self._tools, self._options = master, tools, dict(options or {})
        self._lock = Lock()
        self._started: Started | None = None

    def map(self, work: Callable[[P, Tools], bytes], parts: Sequence[P]) -> list[bytes]:
        """Do *work* with each of *parts* in a task of its own; see ``ports.Engine.map``."""
        if not parts:
            return []
        run = partial(work_on, work=work, parts=tuple(parts), tools=self._tools, attempts=ATTEMPTS)
        return _answers(self._done(run, len(parts)))

    def close(self) -> None:
        """Stop the session, if there is one. Another use starts another one."""
        with self._lock:
            if self._started is not None and self._started.ours:
                self._started.session.stop()
            self._started = None

    def _done(self, run: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], count: int) -> pa.Table:
        with self._lock:
            self._started = self._started or start(self._master, self._options)
            session = self._started.session
        from py4j.protocol import Py4JError  # noqa: PLC0415 - it is there, for a session has started
        from pyspark.errors import PySparkException  # noqa: PLC0415 - the same

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of pandas 3; nothing here is a pandas frame
                return session.range(0, count, 1, count).mapInArrow(run, DECLARED).toArrow()
        except (Py4JError, PySparkException) as error:
            raise _failed(error, count) from None  # its text may quote a row


def _answers(table: pa.Table) -> list[bytes]:
    """Return the answers in the order of the parts.

    Raises:
        PerennialError: What the first part says that has an error.
    """
    rows = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True), key=lambda row: row[0])
    for _, _, error in rows:
        if error is not None:
            raise error_of(json.loads(error))
    return [answer for _, answer, _ in rows]


def _failed(error: Exception, count: int) -> UnavailableError:
    """Return our error for a job that Spark gave up: machines were lost as often as it may be tried."""
    found = _TASK.search(str(error))
    which = f"part {int(found[1]) + 1} of {count}" if found else f"one of {count} parts"
    message = f"{which} was lost with its machine or process {ATTEMPTS} times" if found else f"{which} could not be worked on"
    fix = "The logs of Spark's executors say why: too little memory is the most frequent reason (spark.executor.memoryOverhead)."
    return UnavailableError(Code.ENGINE_FAILED, message, where=WHERE, fix=fix)
