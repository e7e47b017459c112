"""A worker of Celery: its pool finds imported what tasks need, as that of a local Airflow does.

``python celery_worker.py NAME FILE``: the number of its first process goes to the file, because Celery changes how it is called.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from airflow.__main__ import main

from perennial.orchestration.local_airflow import WARM

if __name__ == "__main__":
    Path(sys.argv[2]).write_text(str(os.getpid()))
    for module in WARM:
        importlib.import_module(module)
    sys.argv = ["airflow", "celery", "worker", "--celery-hostname", sys.argv[1], "--skip-serve-logs", "--without-mingle"]
    main()  # type: ignore[no-untyped-call] # Airflow's own entry point
