"""Why Spark gave up a job, in our words: its own are long, and may quote a row."""

from __future__ import annotations

import logging
import re
import sys

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, RejectedError, UnavailableError
from perennial.stores.spark.job import WHERE
from perennial.stores.spark.master import ATTEMPTS

_log = logging.getLogger(__name__)
_TASK = re.compile(r"Task (\d+) in stage")
_LOST = re.compile(r"Python worker exited unexpectedly|ExecutorLostFailure")
_TRACEBACK = "Traceback (most recent call last):\n"
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?:: (No module named '[\w.]+'))?", re.MULTILINE)
_CAUSES = re.compile(r"^(?:Caused by)?: ([\w.$]+)", re.MULTILINE)
_NO_PYTHON = re.compile(r"Cannot run program|Python worker failed to connect back")
_SETUP = "Each executor needs this Python, perennial-ml, scikit-learn and numpy as here, and your own classes (PYSPARK_PYTHON)."


def failed(error: Exception, count: int, *, stopped: bool) -> PerennialError:
    """Return our error for a job of *count* parts that ended with *error*: executors are set up otherwise, or were lost.

    Where Spark itself was *stopped* meanwhile, its error may be any.
    """
    text = str(error)
    _log.warning("Spark gave up a job: %s", ", ".join(dict.fromkeys([type(error).__name__, *_CAUSES.findall(text)])))
    if stopped:
        message, fix = f"ended while it worked on {count} parts", "The logs of Spark's master say why."
        return UnavailableError(Code.ENGINE_UNAVAILABLE, message, where=WHERE, fix=fix)
    if (said := _not_set_up(text)) is not None:
        return RejectedError(Code.ENGINE_FAILED, said, where=WHERE, fix=_SETUP)
    if "spark.driver.maxResultSize" in text:
        message, fix = f"the answers of {count} parts are larger than spark.driver.maxResultSize", "Set it higher; 0 is no limit."
        return RejectedError(Code.ENGINE_FAILED, message, where=WHERE, fix=fix)
    return _given_up(text, count)


def _not_set_up(text: str) -> str | None:
    """Return what executors lack to begin the work at all, by the *text* of Spark's error; None where it is something else."""
    if "PYTHON_VERSION_MISMATCH" in text:
        return f"executors have another Python than {sys.version_info.major}.{sys.version_info.minor}"
    if _NO_PYTHON.search(text):
        return "executors cannot start their Python"
    raised = _RAISED.search(text.partition(_TRACEBACK)[2])
    if raised is None:
        return None
    what, module = raised.groups()  # the class only: what follows it may quote a row
    return f"the executors' Python cannot run the work: {what}{f', {module}' if module else ''}"


def _given_up(text: str, count: int) -> UnavailableError:
    task = _TASK.search(text)
    which = f"part {int(task[1]) + 1} of {count}" if task else f"one of {count} parts"
    lost = task is not None and _LOST.search(text) is not None
    message = f"{which} was lost with its machine or process {ATTEMPTS} times" if lost else f"{which} could not be worked on"
    often = ": too little memory is the most frequent reason (spark.executor.memoryOverhead)" if lost else ""
    fix = f"The logs of Spark's executors say why{often}."
    return UnavailableError(Code.ENGINE_FAILED, message, where=WHERE, fix=fix)
