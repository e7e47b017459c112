"""The same verbs as ``airflow perennial ...``, with Airflow's connections."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace

from perennial import wiring
from perennial.cli.app import app


def run(asked: Namespace) -> None:
    """Run the verb in the words that Airflow's command line handed on; the call ends as ``perennial`` does.

    A source is looked for among Airflow's connections first, as in a task.
    """
    from perennial.orchestration.connections import stored_connection_url  # noqa: PLC0415 - Airflow, which is running here

    _log_aside()
    with wiring.looking_up(stored_connection_url):
        app(args=list(asked.words), prog_name="airflow perennial")


def _log_aside() -> None:
    """Have Airflow's log, which goes to standard output, warn beside it, and say no more: a program may read what a verb prints."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
            handler.setLevel(logging.WARNING)
