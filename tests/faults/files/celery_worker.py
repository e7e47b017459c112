"""A worker of Celery, ``python celery_worker.py NAME``: its pool finds imported what tasks need, as that of a local Airflow."""

from __future__ import annotations

import importlib
import sys

from airflow.__main__ import main

from perennial.orchestration.local_airflow import WARM

if __name__ == "__main__":
    for module in WARM:
        importlib.import_module(module)
    sys.argv = ["airflow", "celery", "worker", "--celery-hostname", sys.argv[1], "--skip-serve-logs", "--without-mingle"]
    main()  # type: ignore[no-untyped-call] # Airflow's own entry point
