"""Our assets as OpenLineage's datasets, and what they are made of, for Airflow's own provider of it where that is installed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow.sdk import get_current_context

from perennial import wiring
from perennial.definition.models import Definition, Relation
from perennial.orchestration.connections import connection_url

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.sdk import Asset

    from perennial.stores.origins import Origin

_PROVIDER = "airflow.providers.openlineage"
_log = logging.getLogger(__name__)


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


def reads_source(definition: Definition) -> None:
    """Let this task be seen to read the tables and files that *definition* names, where lineage is wanted.

    Where they lie only the connection says, which a DAG file must not ask for; so they stand in the task's inlets while it runs.
    No task fails for it.
    """
    try:
        if find_spec(_PROVIDER) is not None:
            _read(definition)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rows are read, and what is wrong with them is told there
        _log.warning("lineage is not told what is read: %s", type(error).__name__)


def _read(definition: Definition) -> None:
    from airflow.providers.common.compat.openlineage.facet import Dataset  # noqa: PLC0415 - only where lineage is wanted

    own = definition.label.source
    found = [*_origins(definition.source), *(_origins(own) if own else ())]
    task = get_current_context()["ti"].task
    read = [Dataset(namespace=one.namespace, name=one.name) for one in dict.fromkeys(found)]
    task.inlets = [*(one for one in task.inlets if one not in read), *read]


def _origins(relation: Relation) -> Iterator[Origin]:
    from perennial.stores.origins import origin_of_files, origins_of_tables  # noqa: PLC0415 - DAG files import this module

    url = connection_url(relation.connection) or wiring.settings().connections.get(relation.connection)
    if url is None:
        return  # it lies in the embedded database, which nobody else makes anything in
    files = origin_of_files(url, relation.path or "")
    if files:
        yield files
        return
    yield from origins_of_tables(url, [relation.table] if relation.table else _tables(relation.query or "", url))


def _tables(query: str, url: str) -> list[str]:
    """Return the tables that a query reads, as OpenLineage's parser finds them; none of one that it cannot read."""
    parser = import_module(f"{_PROVIDER}.sqlparser").SQLParser
    dialect = url.partition(":")[0].partition("+")[0]
    found = parser(dialect="postgres" if dialect == "postgresql" else dialect).parse(query)
    return sorted(table.qualified_name for table in found.in_tables) if found else []
