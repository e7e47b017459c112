"""Asks a Spark, in a process of its own: one process has one Spark, and what a test asks for it would have asked for all."""

from __future__ import annotations

import json
import sys
import time
import traceback
from contextlib import closing
from functools import partial

import odd_pieces  # type: ignore[import-not-found] # on the path of the process

from perennial.core.errors import PerennialError
from perennial.stores.spark.engine import SparkEngine
from perennial.stores.spark.later import LaterEngine


def main(master: str, patience_s: float, times: int) -> None:
    """Write what comes of it each time, in which class, whether Java is in its traceback, and after how long, as JSON."""
    told = []
    with closing(LaterEngine(lambda: SparkEngine(master, partial(odd_pieces.tools, "."), patience_s))) as engine:
        for _ in range(times):
            began = time.monotonic()
            try:
                said, kind, trace = str(engine.map(odd_pieces.Doubled(), range(2))), "list", ""
            except PerennialError as error:
                said, kind = str(error), type(error).__name__
                trace = traceback.format_exc()
            told.append({"said": said, "kind": kind, "java": "py4j" in trace, "seconds": time.monotonic() - began})
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
