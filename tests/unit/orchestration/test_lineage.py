"""Our assets as OpenLineage's datasets: what Airflow's own provider of it reports of our tasks."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import AssetAlias, BaseOperator
from airflow.sdk.execution_time.context import set_current_context

from perennial.definition.models import Definition
from perennial.orchestration.assets import MODEL, PREDICTIONS, SNAPSHOT, asset, inlet, outlet
from perennial.orchestration.lineage import dataset_of, reads_source
from perennial.orchestration.provider import provider_info


def test_an_asset_of_ours_is_a_dataset_of_openlineage() -> None:
    """Airflow finds who translates it by the scheme of its address."""
    made = asset("bike_demand", PREDICTIONS)
    [kind] = provider_info()["asset-uris"]
    module, _, name = kind["to_openlineage_converter"].rpartition(".")
    assert made.uri.partition("://")[0] in kind["schemes"]
    assert getattr(import_module(module), name) is dataset_of


def test_a_task_says_what_it_reads_and_makes(small: dict[str, Any]) -> None:
    """What it makes by aliases. Of a model with segments one task for all says it, and each what it reads."""
    definition = Definition.model_validate(small)
    parted = Definition.model_validate({**small, "segments": {"column": "city", "values": {"north": "North"}}})
    assert inlet(definition, SNAPSHOT, MODEL) == {"inlets": [asset("bikes_small", SNAPSHOT), asset("bikes_small", MODEL)]}
    assert outlet(definition, MODEL) == {"outlets": [AssetAlias("bikes_small model", group="perennial")]}
    assert (inlet(parted, SNAPSHOT), outlet(parted, SNAPSHOT)) == (inlet(definition, SNAPSHOT), {})


def test_openlineage_reports_what_a_task_reads(small: dict[str, Any]) -> None:
    """Airflow's provider of OpenLineage does, where it is installed."""
    task = BaseOperator(task_id="predict", **inlet(Definition.model_validate(small), SNAPSHOT, MODEL))
    assert _reported(task) == ["perennial bikes_small/snapshot", "perennial bikes_small/model"]


@pytest.mark.parametrize(
    ("relation", "address", "reported"),
    [
        ({"table": "demand"}, "postgres://reader:hunter2@db/city", ["postgres://db:5432 city.public.demand"]),
        (
            {"query": "WITH r AS (SELECT * FROM raw.rides) SELECT * FROM r JOIN weather USING (day)"},
            "postgres://reader:hunter2@db/city",
            ["postgres://db:5432 city.raw.rides", "postgres://db:5432 city.public.weather"],
        ),
        ({"query": "SELECT what it cannot read FROM FROM"}, "postgres://reader:hunter2@db/city", []),
        (
            {"path": "demand.parquet"},
            '{"conn_type": "perennial_files", "extra": {"place": "s3://city/raw"}}',
            ["s3://city raw/demand.parquet"],
        ),
    ],
)
def test_openlineage_reports_what_the_rows_are_read_from(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch, relation: dict[str, str], address: str, reported: list[str]
) -> None:
    """By the names of those who made it, without login and password, once however often the task runs."""
    monkeypatch.setenv("AIRFLOW_CONN_CITY", address)
    task = _ran(small, {"connection": "city", "entity": ["city"], **relation}, times=2)
    assert _reported(task) == reported


def test_a_source_that_nobody_can_find_fails_no_task(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads it will say what is wrong; the log says that lineage lacks it, and no address."""
    monkeypatch.setenv("PERENNIAL_CONN_CITY", "hunter2")
    task = _ran(small, {"connection": "city", "entity": ["city"], "table": "demand"}, times=1)
    assert _reported(task) == []
    said = [record.getMessage() for record in caplog.records if record.name.startswith("perennial")]
    assert said == ["lineage is not told what is read: DefinitionError"]


def test_without_the_provider_nothing_is_looked_up(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would be told."""
    monkeypatch.setattr("perennial.orchestration.lineage.find_spec", lambda _: None)
    monkeypatch.setattr("perennial.orchestration.lineage.connection_url", pytest.fail)
    reads_source(Definition.model_validate(small))


def _ran(small: dict[str, Any], source: dict[str, Any], *, times: int) -> BaseOperator:
    """Return a task that has said so often what it reads: a source of that kind, and no labels of their own."""
    pytest.importorskip("airflow.providers.openlineage", reason="Airflow's OpenLineage provider is missing: make lineage")
    label = {key: value for key, value in small["label"].items() if key != "source"}
    definition = Definition.model_validate({**small, "source": {**source, "available_at": "known"}, "label": label})
    task = BaseOperator(task_id="extract")
    context: Any = {"ti": SimpleNamespace(task=task)}
    for _ in range(times):
        with set_current_context(context):
            reads_source(definition)
    return task


def _reported(task: BaseOperator) -> list[str]:
    """Return what OpenLineage's provider says that *task* reads."""
    manager = pytest.importorskip(
        "airflow.providers.openlineage.extractors.manager", reason="Airflow's OpenLineage provider is missing: make lineage"
    )
    found = manager.OperatorLineage()
    manager.ExtractorManager().extract_inlets_and_outlets(found, task)
    return [f"{one.namespace} {one.name}" for one in found.inputs]
