"""A Spark session: started when it is first needed, quiet, without its web page, and stopped."""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.stores.spark.job import WHERE
from perennial.stores.spark.master import ATTEMPTS, is_here, with_attempts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ALWAYS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.task.maxFailures": str(ATTEMPTS),
}
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
_ONE_AT_A_TIME = Lock()


class Started(NamedTuple):
    """A session, and whether who asked for it stops it: not the one that this process had before, for it can have one only."""

    session: SparkSession
    ours: bool


def start(master: str) -> Started:
    """Start a session on *master*. On this machine's own it listens on the loopback only, and works with this interpreter.

    Args:
        master: As Spark writes it.

    Raises:
        RejectedError: SETTING_MISSING, the extra is not installed.
        UnavailableError: ENGINE_UNAVAILABLE.
    """
    try:
        from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra
        from pyspark import SparkContext  # noqa: PLC0415 - the same
        from pyspark.errors import PySparkException  # noqa: PLC0415 - the same
    except ImportError as error:
        message = "needs the extra: pip install 'perennial-ml[spark]'"
        raise RejectedError(Code.SETTING_MISSING, message, where=WHERE) from error
    with _ONE_AT_A_TIME:
        before = SparkContext._active_spark_context  # noqa: SLF001 - the public way knows the session of this thread only
        try:
            return Started(_session(master), ours=before is None)
        except (Py4JError, PySparkException, OSError, RuntimeError) as error:  # no Java, a master that is none or does not answer
            half = SparkContext._active_spark_context  # noqa: SLF001 - the same
            if before is None and half is not None:
                half.stop()  # else it would be taken for one that works
            raise unavailable(f"did not start ({type(error).__name__})") from None  # its text is a trace of Java's


def _session(master: str) -> SparkSession:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    builder = SparkSession.builder.appName("perennial").master(with_attempts(master))
    for name, value in {**_ALWAYS, **(_LOOPBACK if is_here(master) else {})}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    if is_here(master):
        session.sparkContext.pythonExec = sys.executable
    return session


def unavailable(message: str) -> UnavailableError:
    """Return our error for a Spark that cannot be started. What it says itself, it has written to the standard error."""
    fix = "Is Java 17 or later installed, and does the master answer? perennial doctor looks."
    return UnavailableError(Code.ENGINE_UNAVAILABLE, message, where=WHERE, fix=fix)
