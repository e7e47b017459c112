"""What Airflow learns of Perennial as one of its providers: its kinds of connections with their forms, its assets, and its command.

The entry point ``apache_airflow_provider`` of the wheel names this. Every process of Airflow may read it, so it imports nothing.
"""

from __future__ import annotations

from typing import Any

FILES, DATABASE = "perennial_files", "perennial_database"
"""The kinds of connections: a folder or S3 prefix with files, and any database that SQLAlchemy has a dialect for."""
PLACE = "place"
_HOOKS = "perennial.orchestration.connection_kinds"
_BUILT_IN = ("host", "schema", "login", "password", "port", "extra")


def provider_info() -> dict[str, Any]:
    """Return the description, as Airflow's schema for providers has it."""
    return {
        "package-name": "perennial-ml",
        "name": "Perennial",
        "description": "Keeps machine-learning models fresh: train, gate, publish, predict, monitor, decide.",
        "connection-types": [_files(), _database()],
        "asset-uris": [
            {"schemes": ["perennial"], "handler": None, "to_openlineage_converter": "perennial.orchestration.lineage.dataset_of"}
        ],
        "cli": ["perennial.orchestration.command.commands"],
    }


def _files() -> dict[str, Any]:
    place = {
        "label": "Folder or S3 prefix",
        "description": "Where the Parquet or CSV files lie: file:///the/folder, or s3://bucket/prefix.",
        "schema": {"type": "string", "pattern": "^(file:///|/|s3://)."},
    }
    return {
        "connection-type": FILES,
        "hook-class-name": f"{_HOOKS}.Files",
        "hook-name": "Perennial: files",
        "conn-fields": {PLACE: place},
        "ui-field-behaviour": _shows(),
    }


def _database() -> dict[str, Any]:
    """Return the kind whose URL is Airflow's password: kept encrypted, never shown again, and masked in logs."""
    return {
        "connection-type": DATABASE,
        "hook-class-name": f"{_HOOKS}.Database",
        "hook-name": "Perennial: database",
        "ui-field-behaviour": _shows(password="SQLAlchemy URL"),  # noqa: S106 - a label
    }


def _shows(**relabelled: str) -> dict[str, Any]:
    """Return that of Airflow's own fields only these are shown, under other names."""
    hidden = [field for field in _BUILT_IN if field not in relabelled]
    return {"hidden-fields": hidden, "relabeling": relabelled, "placeholders": {}}
