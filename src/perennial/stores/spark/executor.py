"""What runs on Spark's executors: one piece of work with one part, and what to say of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TypeVar

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, TransientError
from perennial.ports import Tools
from perennial.workshop.outcome import told

P = TypeVar("P")
ANSWERS = pa.schema([("number", pa.int64()), ("answer", pa.binary()), ("error", pa.string())])
DECLARED = "number long, answer binary, error string"
"""The same in Spark's words."""


class _TryAgainError(Exception):
    """What Spark is told, so that it tries again."""


def work_on(
    batches: Iterator[pa.RecordBatch],
    *,
    work: Callable[[P, Tools], bytes],
    parts: Sequence[P],
    tools: Callable[[], Tools],
    attempts: int,
) -> Iterator[pa.RecordBatch]:
    """Do *work* with the parts whose numbers the *batches* hold, and yield an answer to each.

    What cannot be done by trying again is an answer, too. What can is raised, so that Spark tries again, elsewhere where it can;
    after the last of so many *attempts* it is an answer.

    Args:
        batches: With the column ``id``.
        work: What to do.
        parts: All parts, by number.
        tools: Opens what the work needs: once per process, which serves many parts.
        attempts: How often Spark tries.
    """
    from pyspark import TaskContext  # noqa: PLC0415 - not where this module is only named

    context = TaskContext.get()
    last = context is None or context.attemptNumber() + 1 >= attempts
    for number in (one for batch in batches for one in batch.column("id").to_pylist()):
        answer, error = _asked(partial(work, parts[number]), tools, last=last)
        columns = zip((number, answer, error), ANSWERS.types, strict=True)
        yield pa.RecordBatch.from_arrays([pa.array([cell], kind) for cell, kind in columns], schema=ANSWERS)


def _asked(work: Callable[[Tools], bytes], tools: Callable[[], Tools], *, last: bool) -> tuple[bytes | None, str | None]:
    """Return what *work* answers, or the error that a further try would not mend."""
    try:
        return work(_opened(tools)), None
    except Exception as error:  # noqa: BLE001 - an estimator may raise anything, and it is told
        said = json.dumps(told(error, Code.ENGINE_FAILED))
        if last or (isinstance(error, PerennialError) and not isinstance(error, TransientError)):
            return None, said
    raise _TryAgainError(said)  # Spark logs it; there is no value of a row in it, nor the error that may quote one


@cache
def _opened(tools: Callable[[], Tools]) -> Tools:
    """Return what *tools* opens; the same, with the models that were loaded, for as long as the process lives."""
    return tools()
