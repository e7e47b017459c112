"""A workshop without processes."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perennial.workshop.done import Done


class InlineWorkshop:
    """Runs jobs where it is called, with no limit, so that a debugger stops in an estimator and a patched module is seen there."""

    def prepare(self, module: str) -> None:
        """Import *module*."""
        importlib.import_module(module)

    def run(self, job: str, ask: Mapping[str, Any], folder: Path, *, memory: int, seconds: float) -> Done:  # noqa: ARG002 - the port's
        """Run a job; see ``ports.Workshop.run``. It is not stopped, and its memory is told as 0."""
        module, _, name = job.partition(":")
        function = getattr(importlib.import_module(module), name)
        began, worked = time.monotonic(), time.process_time()
        value = function(json.loads(json.dumps(ask)), folder)
        took, cpu = time.monotonic() - began, time.process_time() - worked
        return Done(value=json.loads(json.dumps(value)), seconds=took, cpu_seconds=cpu, memory=0)
