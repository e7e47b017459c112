"""``airflow perennial ...``: the command line of Perennial where Airflow's is at hand, with Airflow's connections."""

from __future__ import annotations

import argparse

from airflow.cli.cli_config import ActionCommand, Arg, lazy_load_command

_RUN = "perennial.cli.under_airflow.run"


class Words(Arg):
    """All words that follow, options too: whoever is called knows them, and says so with ``--help``."""

    def __init__(self) -> None:
        """Be called *words*."""
        super().__init__(("words",))  # type: ignore[no-untyped-call]  # Airflow's own

    def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
        """Take every word as it is. The parser has no options of its own, so no character begins one."""
        parser.prefix_chars = ""
        parser.add_argument("words", nargs=argparse.REMAINDER, help="a verb and its options; --help lists them")


def commands() -> list[ActionCommand]:
    """Return what is added to Airflow's command line."""
    about = "Models: check, score, retrain, explain, roll back, ..."
    return [ActionCommand(name="perennial", help=about, func=lazy_load_command(_RUN), args=(Words(),))]
