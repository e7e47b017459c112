"""The same verbs as ``airflow perennial ...``, with Airflow's connections."""

from __future__ import annotations

from argparse import Namespace

from perennial import wiring
from perennial.cli.app import app


def run(asked: Namespace) -> None:
    """Run the verb in the words that Airflow's command line handed on; the call ends as ``perennial`` does.

    A source is looked for among Airflow's connections first, as in a task.
    """
    from perennial.orchestration.connections import stored_connection_url  # noqa: PLC0415 - Airflow, which is running here

    with wiring.looking_up(stored_connection_url):
        app(args=list(asked.words), prog_name="airflow perennial")
