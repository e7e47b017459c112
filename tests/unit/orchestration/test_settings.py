"""The settings of a local Airflow."""

from __future__ import annotations

from pathlib import Path

from perennial.orchestration.settings import environment, load_secrets


def _environment(home: Path, inherited: dict[str, str]) -> dict[str, str]:
    keys = load_secrets(home)
    url = "postgresql+psycopg://postgres@/airflow?host=/run"
    return environment(home=home, dags=home, plugins=home, metadata_url=url, port=8123, keys=keys, inherited=inherited)


def test_every_address_is_on_loopback(tmp_path: Path) -> None:
    """The user interface, its own links, and the API that tasks speak to."""
    found = _environment(tmp_path, {})

    assert (found["AIRFLOW__API__HOST"], found["AIRFLOW__API__PORT"]) == ("127.0.0.1", "8123")
    assert found["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8123"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_settings_of_another_airflow_are_left_out_and_connections_stay(tmp_path: Path) -> None:
    """What a shell has set for some other Airflow must not reach this one; its connections are for everybody."""
    inherited = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__SMTP__SMTP_HOST": "mail",
        "AIRFLOW_CONN_BIKES": "postgres://db",
    }

    found = _environment(tmp_path, inherited)

    assert found["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW__SMTP__SMTP_HOST" not in found
    assert found["AIRFLOW_CONN_BIKES"] == "postgres://db"


def test_secrets_are_made_once_and_differ_between_homes(tmp_path: Path) -> None:
    """A second start keeps the login and the keys of the first; a second home has others."""
    one, other = tmp_path / "one", tmp_path / "other"
    for home in (one, other):
        home.mkdir()

    assert load_secrets(one) == load_secrets(one)
    assert load_secrets(one) != load_secrets(other)


def test_secrets_do_not_show_when_printed(tmp_path: Path) -> None:
    """Neither in a traceback nor in a log."""
    assert repr(load_secrets(tmp_path)) == "Secrets()"
