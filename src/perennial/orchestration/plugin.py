"""What Perennial adds to Airflow. ``plugins/perennial_plugin.py`` registers it."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class PerennialPlugin(AirflowPlugin):
    """Names Perennial among Airflow's plugins."""

    name = "perennial"
