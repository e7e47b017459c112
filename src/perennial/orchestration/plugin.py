"""What Perennial adds to Airflow: the pages of model health. ``plugins/perennial_plugin.py`` registers it."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from perennial.orchestration.health_pages import HealthPages
from perennial.orchestration.links import PREFIX

_VIEW = {
    "name": "Model health",
    "icon": f"{PREFIX}/assets/icon.svg",
    "icon_dark_mode": f"{PREFIX}/assets/icon_dark.svg",
}


class PerennialPlugin(AirflowPlugin):
    """Serves model health, and shows it in Airflow's navigation and beside each DAG."""

    name = "perennial"
    # As lists, as Airflow's own class has them; nobody changes them.
    fastapi_apps = [{"app": HealthPages(), "url_prefix": PREFIX, "name": "Perennial"}]  # noqa: RUF012 - see above
    external_views = [  # noqa: RUF012 - see above
        {**_VIEW, "href": f"{PREFIX}/", "destination": "nav", "url_route": "model-health"},
        {**_VIEW, "href": f"{PREFIX}/dags/{{DAG_ID}}", "destination": "dag", "url_route": "dag-model-health"},
    ]
