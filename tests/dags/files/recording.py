"""A notifier of Airflow for the tests: it keeps what it is given in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from airflow.sdk import BaseNotifier, Context


class Recorder(BaseNotifier):
    """Appends each message to ``messages.jsonl`` in the folder of exports."""

    template_fields = ("subject", "message")

    def __init__(self, *, subject: str, message: str) -> None:
        """Be given what to tell."""
        super().__init__()
        self.subject, self.message = subject, message

    def notify(self, context: Context) -> None:
        """Keep it."""
        del context
        with (Path(os.environ["EXPORTS"]) / "messages.jsonl").open("a") as out:
            out.write(json.dumps([self.subject, self.message]) + "\n")
