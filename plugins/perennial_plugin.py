"""Registers Perennial's plugin with Airflow where no entry point of an installed wheel does: Airflow calls a second one a fault."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="perennial"):
    from perennial.orchestration.plugin import PerennialPlugin  # noqa: F401 - Airflow looks for it here
