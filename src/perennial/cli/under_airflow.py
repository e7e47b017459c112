"""The same verbs as ``airflow perennial ...``."""

from __future__ import annotations

from argparse import Namespace

from perennial.cli.app import app


def run(asked: Namespace) -> None:
    """Run the verb in the words that Airflow's command line handed on; the call ends as ``perennial`` does."""
    app(args=list(asked.words), prog_name="airflow perennial")
