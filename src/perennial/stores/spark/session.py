"""A Spark session: started when it is first needed, quiet, without its web page, and stopped."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.stores.spark.master import ATTEMPTS, is_here, with_attempts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WHERE = "spark"
_ALWAYS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.task.maxFailures": str(ATTEMPTS),
}
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


class Started(NamedTuple):
    """A session, and whether who asked for it stops it: not the one that this process had before, for it can have one only."""

    session: SparkSession
    ours: bool


def start(master: str, options: Mapping[str, str]) -> Started:
    """Start a session on *master*. On this machine's own it listens on the loopback only, and works with this interpreter.

    Args:
        master: As Spark writes it.
        options: Settings of Spark's own, beside those of its ``spark-defaults.conf``.

    Raises:
        RejectedError: SETTING_MISSING, the extra is not installed.
        UnavailableError: ENGINE_UNAVAILABLE.
    """
    try:
        from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra
        from pyspark.sql import SparkSession  # noqa: PLC0415 - the same
    except ImportError as error:
        message = "needs the extra: pip install 'perennial-ml[spark]'"
        raise RejectedError(Code.SETTING_MISSING, message, where=WHERE) from error
    before = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("perennial").master(with_attempts(master))
    for name, value in {**_ALWAYS, **(_LOOPBACK if is_here(master) else {}), **options}.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:  # no Java, or a master that does not answer
        raise unavailable(error) from error
    if is_here(master):
        session.sparkContext.pythonExec = sys.executable
    return Started(session, ours=before is None)


def unavailable(error: Exception) -> UnavailableError:
    """Return our error for a Spark that cannot be started. Its own text may be long, and stands in the log."""
    message = f"did not start ({type(error).__name__})"
    fix = "Is Java 17 or later installed, and does the master answer? perennial doctor looks."
    return UnavailableError(Code.ENGINE_UNAVAILABLE, message, where=WHERE, fix=fix)
