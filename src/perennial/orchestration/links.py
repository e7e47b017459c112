"""Where the pages of model health are, for whoever reads of them in a message or a form."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from airflow.sdk import conf

from perennial.core.interval import Interval, iso
from perennial.core.receipts import ALL
from perennial.definition.models import Definition

PREFIX = "/perennial"
"""Where the pages are, below Airflow's own address."""


def model_link(definition: Definition, segment: str = ALL, *, night: Interval | None = None) -> str:
    """Return the address of the page of a model and segment, or of one *night* of it; of all segments, that of the first.

    It begins with ``[api] base_url``; without that it is a path.
    """
    of_segment = f"/{quote(segment, safe='')}" if segment != ALL or definition.segments is None else ""
    of_night = f"/night?{urlencode({'at': iso(night.start)})}" if night and of_segment else ""
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}{PREFIX}/models/{quote(definition.name)}{of_segment}{of_night}"


def figure_path(definition: Definition, segment: str, version: str) -> str:
    """Return where the picture is that says how a version was judged: a path, since only who is logged in here sees it."""
    path = "/".join(quote(part, safe="") for part in ("models", definition.name, segment, "versions", version, "figure.svg"))
    return f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{PREFIX}/{path}"


def run_link(dag_id: str, run_id: str) -> str:
    """Return the address of a run in Airflow's own pages."""
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
