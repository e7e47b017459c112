"""Starts a local Airflow with a PostgreSQL of its own, says when it is ready, and waits to be killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from perennial.orchestration.local_airflow import LocalAirflow
from perennial.stores.embedded_postgres import embedded_postgres


def supervise(home: Path) -> None:
    """Run everything in *home*, without a DAG, until this process is killed."""
    dags = home / "dags"
    dags.mkdir(parents=True, exist_ok=True)
    with (
        embedded_postgres(home / "postgres") as server,
        LocalAirflow(
            home / "airflow",
            dags=dags,
            plugins=home / "plugins",
            metadata_url=server.url("airflow"),
            environment=os.environ,
            warm=(),
            hold=[server.hold],
        ) as airflow,
    ):
        print(airflow.address, flush=True)  # noqa: T201 - for the test
        time.sleep(600)


if __name__ == "__main__":  # pytest imports this file, in search of doctests
    supervise(Path(sys.argv[1]))
