"""The containers. No Docker engine is needed: the files are held against the Compose Specification and against each other."""

from __future__ import annotations

import fnmatch
import importlib
import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # its stubs are a package of their own, for this one call
import pytest
import yaml

from perennial.stores.artifacts.s3 import S3Artifacts
from perennial.wiring import ExecutorTools, Settings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SCHEMA = json.loads((ROOT / "tests/data/compose-spec.json").read_text())
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<rest>[^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN")
RUN_ONCE = {"init"}
PROFILES = {"redis": ["celery"], "worker": ["celery"], "flower": ["flower"], "spark": ["spark"], "spark-worker": ["spark"]}
CHOICES = {
    "AIRFLOW_EXECUTOR": "LocalExecutor",
    "AIRFLOW_PARALLELISM": "4",
    "FLOWER_PORT": "5555",
    "IMAGE_ADDED": "",
    "PERENNIAL_SPARK": "",
    "REDIS_PASSWORD": "",
}
"""Variables of the profiles, with what they are where nobody sets them. They may be missing from an .env of before."""

OF_CELERY = {"broker_url", "flower_basic_auth", "result_backend", "worker_concurrency"}
"""Settings of Airflow's Celery provider that are in use."""


def _compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE)
    return loaded


def _services() -> list[Any]:
    return [pytest.param(service, id=name) for name, service in _compose()["services"].items()]


def _without_profiles() -> dict[str, Any]:
    return {name: service for name, service in _compose()["services"].items() if "profiles" not in service}


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _copied() -> list[str]:
    return [source for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]]


def _errors(compose: dict[str, Any]) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(compose)]


def test_the_compose_file_keeps_to_the_specification() -> None:
    """Nothing in it is unknown or of the wrong type."""
    assert _errors(_compose()) == []


def test_the_specification_would_find_a_slip() -> None:
    """The schema in use does refuse an unknown key."""
    compose = _compose()
    compose["services"]["s3"]["helthcheck"] = {}

    assert _errors(compose) == ["Unevaluated properties are not allowed ('helthcheck' was unexpected)"]


def test_every_service_that_is_needed_is_there() -> None:
    """PostgreSQL, a store of artifacts, Airflow's four, and what prepares them."""
    expected = {"postgres", "s3", "init", "api-server", "scheduler", "dag-processor", "triggerer"}

    assert set(_without_profiles()) == expected


def test_celery_and_spark_start_only_where_their_profile_is_asked_for() -> None:
    """Flower has one of its own."""
    services = _compose()["services"]

    assert {name: services[name]["profiles"] for name in set(services) - set(_without_profiles())} == PROFILES


def test_who_asks_for_no_profile_gets_what_was_there_before() -> None:
    """Nothing that starts waits for a service of a profile; the executor is local, the image has no more, rows stay in tasks."""
    services = _without_profiles()
    filled = yaml.safe_load(
        VARIABLE.sub(lambda match: match["rest"].removeprefix(":-") if match["name"] in CHOICES else "ab12", COMPOSE)
    )
    scheduler = filled["services"]["scheduler"]

    assert {wanted for service in services.values() for wanted in service.get("depends_on", {})} <= set(services)
    assert scheduler["build"] == {"context": ".", "args": {"ADDED": None}}
    assert scheduler["environment"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert scheduler["environment"]["AIRFLOW__CORE__PARALLELISM"] == "4"
    assert Settings.of({"PERENNIAL_SPARK": scheduler["environment"]["PERENNIAL_SPARK"] or ""}).spark is None


def test_redis_refuses_to_start_without_a_password() -> None:
    """Compose cannot refuse for it: it would do so without the profile, too."""
    command = _compose()["services"]["redis"]["command"][-1]

    assert '--requirepass "$${REDIS_PASSWORD:?see .env.example}"' in command


def test_the_profiles_add_to_the_image_what_is_pinned() -> None:
    """What the example names for the image is a file of hashed requirements that the image copies."""
    assert {"requirements/celery.txt", "requirements/spark.txt"} <= set(_copied())
    assert '--no-deps --require-hashes --requirement "requirements/$name.txt"' in DOCKERFILE
    assert 'ARG ADDED=""' in DOCKERFILE


def test_every_variable_is_in_the_example_and_none_is_idle_there() -> None:
    """Whoever fills in the example has filled in everything."""
    assert {match["name"] for match in VARIABLE.finditer(COMPOSE)} == set(_example()) - {"COMPOSE_PROFILES"}  # Docker's own


def test_compose_refuses_to_start_without_a_value() -> None:
    """No variable has a default but those of the profiles; an empty one counts as missing."""
    said = {(match["name"], match["rest"]) for match in VARIABLE.finditer(COMPOSE)}

    assert {(name, rest) for name, rest in said if name in CHOICES} == {(name, f":-{value}") for name, value in CHOICES.items()}
    assert {rest for name, rest in said if name not in CHOICES} == {":?see .env.example"}


def test_the_example_holds_no_secret() -> None:
    """What somebody forgot to fill in cannot be a known password."""
    chosen = {name: value for name, value in CHOICES.items() if value}

    assert {name: value for name, value in _example().items() if value} == {
        "AIRFLOW_PORT": "8080",
        "POSTGRES_PORT": "5432",
        **chosen,
    }


@pytest.mark.parametrize("service", _services())
def test_no_secret_stands_in_the_file(service: dict[str, Any]) -> None:
    """Every password, key and token, and every password in a URL, comes from a variable."""
    environment = service["environment"]
    literal = {
        name: value
        for name, value in environment.items()
        if SECRET.search(name) and not name.endswith("_FILE") and not VARIABLE.search(value)
    }
    in_urls = [found for value in environment.values() for found in re.findall(r"://\w+:([^@]*)@", value)]

    assert literal == {}
    assert [found for found in in_urls if not VARIABLE.fullmatch(found)] == []


@pytest.mark.parametrize("service", _services())
def test_ports_are_published_on_loopback_only(service: dict[str, Any]) -> None:
    """Docker goes around a host's firewall, so an address that is left out is open to the world."""
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []
    assert "network_mode" not in service


def test_every_service_that_stays_has_a_health_check_and_comes_back() -> None:
    """So that a dead one is seen, and restarted."""
    staying = {name: service for name, service in _compose()["services"].items() if name not in RUN_ONCE}

    assert {name for name, service in staying.items() if "test" in service.get("healthcheck", {})} == set(staying)
    assert {service["restart"] for service in staying.values()} == {"unless-stopped"}


def test_images_are_pinned() -> None:
    """A tag with a version; ours is built here."""
    images = {service["image"] for service in _compose()["services"].values()}
    base = re.findall(r"^FROM (.+)$", DOCKERFILE, re.MULTILINE)

    assert images - {"perennial-ml:local"}
    assert [image for image in [*images, *base] if not re.search(r":\d+\.\d+[\w.-]*$", image)] == ["perennial-ml:local"]


@pytest.mark.parametrize("service", _services())
def test_everything_that_a_service_names_is_there(service: dict[str, Any]) -> None:
    """Volumes are declared, mounted folders are in the repository, and dependencies are services."""
    compose = _compose()
    sources = [volume.split(":")[0] for volume in service["volumes"]]

    assert {source for source in sources if not source.startswith("./")} <= set(compose["volumes"])
    assert [source for source in sources if source.startswith("./") and not (ROOT / source).is_dir()] == []
    assert set(service.get("depends_on", {})) <= set(compose["services"])
    assert {config["source"] for config in service.get("configs", [])} <= set(compose.get("configs", {}))


def test_nothing_of_airflow_starts_before_the_schemas_are_there() -> None:
    """Preparing waits for both stores, everything else waits for it."""
    services = _compose()["services"]

    assert services["init"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "s3": {"condition": "service_healthy"},
    }
    assert {
        name: services[name]["depends_on"]["init"]["condition"]
        for name in ("api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "spark", "spark-worker")
    } == dict.fromkeys(
        ("api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "spark", "spark-worker"),
        "service_completed_successfully",
    )


def test_every_setting_of_airflow_exists() -> None:
    """Airflow ignores a setting that it does not know."""
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    options = yaml.safe_load((Path(spec.submodule_search_locations[0]) / "config_templates/config.yml").read_text())
    known = {section: set(has["options"]) for section, has in options.items()} | {"celery": OF_CELERY}
    named = {(section.lower(), key.lower()) for section, key in re.findall(r"AIRFLOW__(\w+?)__(\w+)", COMPOSE + DOCKERFILE)}

    assert [(section, key) for section, key in sorted(named) if key not in known[section]] == []


@pytest.mark.parametrize("name", ["run", "dev", "browser"])
def test_what_is_installed_by_default_holds_nothing_of_spark_or_celery(name: str) -> None:
    """``make demo``, ``make test`` and the image without more get along without: both are chosen."""
    installed = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))
    assert installed
    assert installed & {"pyspark", "py4j", "celery", "kombu", "redis", "flower", "apache-airflow-providers-celery"} == set()


@pytest.mark.skipif(find_spec("celery") is None, reason="Airflow's Celery provider is missing: make celery")
def test_every_setting_of_celery_exists() -> None:
    """They are those of the provider that is pinned."""
    provider = importlib.import_module("airflow.providers.celery.get_provider_info")

    assert set(provider.get_provider_info()["config"]["celery"]["options"]) >= OF_CELERY


def test_perennial_understands_its_settings() -> None:
    """With every variable filled in, Perennial finds its database, store, key and source."""
    filled = yaml.safe_load(VARIABLE.sub("ab12", COMPOSE))
    settings = Settings.of(filled["services"]["scheduler"]["environment"])

    assert settings.database_url == "postgresql+psycopg://perennial:ab12@postgres/perennial"
    assert settings.artifacts == "s3://perennial/artifacts"
    assert settings.s3_endpoint == "http://s3:8333"
    assert settings.signing_key == "ab12"
    assert settings.connections == {"bikes": "postgresql+psycopg://perennial:ab12@postgres/bikes"}


def test_executors_of_spark_have_no_secret_but_what_rows_need() -> None:
    """They run whatever somebody who reaches the master sends them, and inherit the worker's environment. The master has none."""
    services = _compose()["services"]
    secret = {
        name: {variable["name"] for value in services[name]["environment"].values() for variable in VARIABLE.finditer(value)}
        for name in ("spark", "spark-worker")
    }

    assert secret == {"spark": set(), "spark-worker": {"PERENNIAL_SIGNING_KEY", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"}}
    assert [volume for name in secret for volume in services[name]["volumes"]] == ["spark:/var/lib/perennial"]


def test_executors_of_spark_have_what_rows_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the worker's environment and what a task tells them, they open the store of artifacts and have the key."""
    services = yaml.safe_load(VARIABLE.sub("ab" * 32, COMPOSE))["services"]
    for name in [name for name in os.environ if name.startswith(("AWS_", "PERENNIAL_"))]:
        monkeypatch.delenv(name)
    for name, value in {**services["spark-worker"]["environment"], "PERENNIAL_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    told = ("PERENNIAL_ARTIFACTS", "PERENNIAL_S3_ENDPOINT")
    tools = ExecutorTools(tuple((name, services["scheduler"]["environment"][name]) for name in told))()

    assert isinstance(tools.artifacts, S3Artifacts)
    assert tools.signing_key == bytes.fromhex("ab" * 32)


def test_as_many_tasks_as_run_at_a_time_have_a_core_of_spark() -> None:
    """None waits until another one has ended. An executor has 1 GiB (spark.executor.memory)."""
    services = _compose()["services"]
    [cores] = re.findall(r"-Dspark\.deploy\.defaultCores=(\d+)", services["spark"]["environment"]["SPARK_MASTER_OPTS"])
    command = services["spark-worker"]["command"]
    said = {name: command[command.index(name) + 1] for name in ("--cores", "--memory")}
    tasks = int(CHOICES["AIRFLOW_PARALLELISM"])

    assert said == {"--cores": str(int(cores) * tasks), "--memory": f"{tasks}g"}


def test_what_the_image_copies_is_in_the_repository() -> None:
    """A file that was renamed does not break the build unseen."""
    assert _copied() != []
    assert [source for source in _copied() if not (ROOT / source).exists()] == []


def test_what_the_image_copies_is_all_that_a_build_sees() -> None:
    """The build leaves everything out, above all .env, but for the sources that are copied."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}

    assert rules[0] == "*"
    assert allowed == set(_copied())
    assert [rule for rule in allowed if fnmatch.fnmatch(".env", rule)] == []


def test_the_image_installs_the_hashed_requirements_and_does_not_run_as_root() -> None:
    """What runs is what was tested, with no more rights than it needs."""
    assert "pip install --no-cache-dir --require-hashes --requirement requirements/run.txt" in DOCKERFILE
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["airflow"]
