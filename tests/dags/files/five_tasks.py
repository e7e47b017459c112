"""A tiny Airflow DAG for the tests: five tasks in a row, of which the last hands over where it ran."""

from __future__ import annotations

from airflow.sdk import DAG, chain, task

with DAG(dag_id="five_tasks", schedule=None):

    @task
    def number(value: int) -> int:
        """Hand over *value*."""
        return value

    @task
    def where() -> dict[str, object]:
        """Hand over which of the heavy modules were there before anybody asked."""
        import sys  # noqa: PLC0415 - as tasks do

        return {"warm": "sklearn.ensemble" in sys.modules}

    chain(*[number.override(task_id=f"number_{value}")(value) for value in range(4)], where())
