"""Our assets as OpenLineage's datasets: what Airflow's own provider of it reports of our tasks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from airflow.sdk import AssetAlias, BaseOperator

from perennial.definition.models import Definition
from perennial.orchestration.assets import MODEL, PREDICTIONS, SNAPSHOT, asset, inlet, outlet
from perennial.orchestration.lineage import dataset_of
from perennial.orchestration.provider import provider_info


def test_an_asset_of_ours_is_a_dataset_of_openlineage() -> None:
    """Airflow finds who translates it by the scheme of its address."""
    made = asset("bike_demand", PREDICTIONS)
    [kind] = provider_info()["asset-uris"]
    module, _, name = kind["to_openlineage_converter"].rpartition(".")
    assert made.uri.partition("://")[0] in kind["schemes"]
    assert getattr(import_module(module), name) is dataset_of


def test_a_task_says_what_it_reads_and_makes(small: dict[str, Any]) -> None:
    """What it makes by aliases. Of a model with segments one task for all says it, and none what it reads."""
    definition = Definition.model_validate(small)
    parted = Definition.model_validate({**small, "segments": {"column": "city", "values": {"north": "North"}}})
    assert inlet(definition, SNAPSHOT, MODEL) == {"inlets": [asset("bikes_small", SNAPSHOT), asset("bikes_small", MODEL)]}
    assert outlet(definition, MODEL) == {"outlets": [AssetAlias("bikes_small model", group="perennial")]}
    assert (inlet(parted, SNAPSHOT), outlet(parted, SNAPSHOT)) == ({}, {})


def test_openlineage_reports_what_a_task_reads(small: dict[str, Any]) -> None:
    """Airflow's provider of OpenLineage does, where it is installed."""
    manager = pytest.importorskip(
        "airflow.providers.openlineage.extractors.manager", reason="Airflow's OpenLineage provider is missing: make lineage"
    )
    task = BaseOperator(task_id="predict", **inlet(Definition.model_validate(small), SNAPSHOT, MODEL))
    found = manager.OperatorLineage()
    manager.ExtractorManager().extract_inlets_and_outlets(found, task)
    assert [(one.namespace, one.name) for one in found.inputs] == [
        ("perennial", "bikes_small/snapshot"),
        ("perennial", "bikes_small/model"),
    ]
