"""Registers Perennial's plugin with Airflow."""

from perennial.orchestration.plugin import PerennialPlugin

__all__ = ["PerennialPlugin"]
