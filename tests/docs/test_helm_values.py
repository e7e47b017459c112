"""The values for Airflow's Helm chart: no cluster is needed, they are held against the code and what the chart reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from perennial.wiring import Settings

FILE = Path(__file__).parents[2] / "docs/kubernetes/values.yaml"
COMPONENT = {"extraVolumeMounts", "extraVolumes", "persistence", "resources", "serviceAccount", "terminationGracePeriodSeconds"}
KNOWN = {
    "airflowVersion": None,
    "apiSecretKeySecretName": None,
    "apiServer": COMPONENT,
    "dagProcessor": COMPONENT,
    "dags": {"persistence"},
    "data": {"metadataSecretName"},
    "defaultAirflowRepository": None,
    "defaultAirflowTag": None,
    "env": None,
    "executor": None,
    "fernetKeySecretName": None,
    "jwtSecretName": None,
    "logs": {"persistence"},
    "postgresql": {"enabled"},
    "redis": {"enabled"},
    "scheduler": COMPONENT,
    "secret": None,
    "triggerer": COMPONENT,
    "workers": COMPONENT,
}
"""What the chart reads, of what is in use. Helm ignores, or refuses, anything else."""


def _values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def _all(values: object, key: str) -> Iterator[Any]:
    """Yield what stands under *key* anywhere in *values*."""
    if isinstance(values, dict):
        if key in values:
            yield values[key]
        for inner in values.values():
            yield from _all(inner, key)


def test_the_chart_knows_every_key() -> None:
    """A slip would be a setting that is not there."""
    values = _values()

    assert set(values) <= set(KNOWN)
    assert {key: set(values[key]) - known for key, known in KNOWN.items() if known and set(values[key]) - known} == {}


def test_each_task_is_a_pod_with_limits() -> None:
    """And so has every component."""
    values = _values()
    components = ("workers", "scheduler", "dagProcessor", "triggerer", "apiServer")

    assert values["executor"] == "KubernetesExecutor"
    assert [name for name in components if not {"requests", "limits"} <= set(values[name]["resources"])] == []


def test_no_volume_is_claimed() -> None:
    """Whatever stays is in a database or on S3; scratch goes with its pod."""
    values = _values()

    assert {bool(persistence["enabled"]) for persistence in _all(values, "persistence")} == {False}
    assert values["triggerer"]["persistence"] == {"enabled": False}
    assert [name for volumes in _all(values, "extraVolumes") for volume in volumes for name in volume if "Claim" in name] == []


def test_no_secret_stands_in_the_values() -> None:
    """Each is named, and lies in a secret of the cluster."""
    plain = {setting["name"]: setting["value"] for setting in _values()["env"]}

    assert [name for name in plain if re.search(r"PASSWORD|SECRET|KEY|TOKEN|URL|_CONN_(?!ID)", name)] == []
    assert not re.search(r"://[^/\s]*:[^/\s]*@", FILE.read_text())


def test_perennial_understands_its_settings() -> None:
    """The ledger, the artifacts, the key and a source are told, each by a name that Perennial reads."""
    values = _values()
    told = {setting["name"]: setting["value"] for setting in values["env"]}
    told |= {secret["envName"]: f"{secret['secretName']}/{secret['secretKey']}" for secret in values["secret"]}
    settings = Settings.of(told)

    assert (settings.artifacts, settings.database_url) == ("s3://BUCKET/artifacts", "perennial/database-url")
    assert (settings.signing_key, settings.connections) == ("perennial/signing-key", {"bikes": "perennial/source-bikes"})


def test_every_setting_of_airflow_exists() -> None:
    """Airflow ignores a setting that it does not know."""
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    options = yaml.safe_load((Path(spec.submodule_search_locations[0]) / "config_templates/config.yml").read_text())
    named = re.findall(r"AIRFLOW__(\w+?)__(\w+)", FILE.read_text())

    assert named != []
    assert [(section, key) for section, key in named if key.lower() not in options[section.lower()]["options"]] == []


def test_whoever_writes_or_reads_logs_on_s3_has_the_role_for_it() -> None:
    """And scratch. Tasks write them, so does the triggerer, where an approval waits, and the API server shows them."""
    values = _values()
    pods = [values[name] for name in ("workers", "triggerer", "apiServer")]

    assert [pod.get("serviceAccount") for pod in pods] == [{"annotations": {"eks.amazonaws.com/role-arn": "ROLE"}}] * len(pods)
    assert [[volume["name"] for volume in pod.get("extraVolumes", [])] for pod in pods] == [["scratch"]] * len(pods)
    assert [[mount["name"] for mount in pod.get("extraVolumeMounts", [])] for pod in pods] == [["scratch"]] * len(pods)


def test_scratch_is_where_the_image_has_its_data_folder() -> None:
    """Otherwise it would fill the disk of the node."""
    [home] = re.findall(r"PERENNIAL_HOME=(\S+)", (FILE.parents[2] / "Dockerfile").read_text())

    assert {mount["mountPath"] for mounts in _all(_values(), "extraVolumeMounts") for mount in mounts} == {home}
