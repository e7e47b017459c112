"""Our assets as OpenLineage's datasets. Airflow's own provider of it asks for them where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.sdk import Asset


def dataset_of(asset: Asset, context: object) -> Dataset:
    """Return the dataset of an asset of ours: ``bike_demand/predictions`` in the namespace ``perennial``.

    Args:
        asset: What :func:`perennial.orchestration.assets.asset` returns.
        context: What Airflow knows of the task, which is not needed.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset  # noqa: PLC0415 - only where lineage is wanted

    del context
    found = urlsplit(asset.uri)
    return Dataset(namespace=found.scheme, name=f"{found.netloc}{found.path}")
