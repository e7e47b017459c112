"""The settings of a local Airflow, as environment variables; it has no configuration file."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

USER = "admin"


@dataclass(frozen=True, slots=True)
class Login:
    """Who may log in, and with what. The password is made once per home."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The keys of one home. They are in a file with mode 0600 and in the environment of the components, nowhere else."""

    password: str = field(repr=False)
    jwt: str = field(repr=False)
    api: str = field(repr=False)
    fernet: str = field(repr=False)


def load_secrets(home: Path) -> Secrets:
    """Return the secrets of *home*, made at its first start."""
    file = home / "secrets.json"
    if not file.exists():
        made = {
            "password": secrets.token_urlsafe(12),
            "jwt": secrets.token_hex(64),
            "api": secrets.token_hex(32),
            "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        _write_private(file, json.dumps(made))
    return Secrets(**json.loads(file.read_text()))


def environment(
    *, home: Path, dags: Path, plugins: Path, metadata_url: str, port: int, keys: Secrets, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of every component.

    Args:
        home: The folder of this Airflow.
        dags: The folder of DAG files.
        plugins: The folder of plugins.
        metadata_url: SQLAlchemy URL of its PostgreSQL database.
        port: Where its API server listens, on loopback.
        keys: The secrets of this home.
        inherited: The environment to start from. Its own settings of Airflow are left out, its connections stay.
    """
    passwords = home / "passwords.json"
    _write_private(passwords, json.dumps({USER: keys.password}))
    address = f"http://127.0.0.1:{port}"
    options = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": "4",
            "load_examples": "False",
            "dags_folder": str(dags),
            "plugins_folder": str(plugins),
            "dags_are_paused_at_creation": "True",
            "execution_api_server_url": f"{address}/execution/",
            "fernet_key": keys.fernet,
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(passwords),
        },
        # Left to itself, Airflow takes asyncpg for its asynchronous engine; psycopg does both.
        "database": {"sql_alchemy_conn": metadata_url, "sql_alchemy_conn_async": metadata_url},
        "api": {"host": "127.0.0.1", "port": str(port), "base_url": address, "workers": "1", "secret_key": keys.api},
        "api_auth": {"jwt_secret": keys.jwt},
        "logging": {"base_log_folder": str(home / "logs" / "tasks")},
        # Nearly all of the second that a task costs is this sleep, and nearly all of a skip's five are the next one.
        "scheduler": {"scheduler_idle_sleep_time": "0.2"},
        "workers": {"min_heartbeat_interval": "1"},
        "dag_processor": {"refresh_interval": "5", "min_file_process_interval": "10", "bundle_refresh_check_interval": "2"},
    }
    kept = {key: value for key, value in inherited.items() if not key.startswith("AIRFLOW__")}
    ours = {f"AIRFLOW__{section.upper()}__{key.upper()}": value for section, of in options.items() for key, value in of.items()}
    # Several tasks share the cores; and a process without threads of OpenBLAS can be forked.
    return {"OPENBLAS_NUM_THREADS": "1", **kept, **ours, "AIRFLOW_HOME": str(home), "PYTHONUNBUFFERED": "1"}


def _write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
