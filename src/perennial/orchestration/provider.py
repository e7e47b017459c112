"""What Airflow learns of Perennial as one of its providers: its kinds of connections with their forms, and its command.

The entry point ``apache_airflow_provider`` of the wheel names this. Every process of Airflow may read it, so it imports nothing.
"""

from __future__ import annotations

from typing import Any

FILES, DATABASE = "perennial_files", "perennial_database"
"""The kinds of connections: a folder or S3 prefix with files, and any database that SQLAlchemy has a dialect for."""
PLACE, URL = "place", "url"
_HOOKS = "perennial.orchestration.connection_kinds"


def provider_info() -> dict[str, Any]:
    """Return the description, as Airflow's schema for providers has it."""
    return {
        "package-name": "perennial-ml",
        "name": "Perennial",
        "description": "Keeps machine-learning models fresh: train, gate, publish, predict, monitor, decide.",
        "connection-types": [
            _kind(
                FILES,
                "Files",
                "Perennial: files",
                PLACE,
                {
                    "label": "Folder or S3 prefix",
                    "description": "Where the Parquet or CSV files lie: file:///the/folder, or s3://bucket/prefix.",
                    "schema": {"type": "string", "pattern": "^(file:///|/|s3://)."},
                },
            ),
            _kind(
                DATABASE,
                "Database",
                "Perennial: database",
                URL,
                {
                    "label": "SQLAlchemy URL",
                    "description": "dialect+driver://user:password@host:port/database. It is kept encrypted, and masked in logs.",
                    "schema": {"type": "string", "format": "password", "pattern": "^[a-z0-9+_]+://"},
                },
            ),
        ],
        "cli": ["perennial.orchestration.command.commands"],
    }


def _kind(name: str, hook: str, title: str, field: str, described: dict[str, Any]) -> dict[str, Any]:
    return {
        "connection-type": name,
        "hook-class-name": f"{_HOOKS}.{hook}",
        "hook-name": title,
        "conn-fields": {field: described},
        "ui-field-behaviour": {
            "hidden-fields": ["host", "schema", "login", "password", "port", "extra"],
            "relabeling": {},
            "placeholders": {},
        },
    }
