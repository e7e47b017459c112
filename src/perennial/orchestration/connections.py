"""Airflow's connections, as the URLs that our sources understand."""

from __future__ import annotations

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""Airflow names a kind of database where SQLAlchemy wants a dialect and a driver."""


def connection_url(name: str) -> str | None:
    """Return the URL of Airflow's connection *name*, or None where Airflow has none."""
    try:
        uri: str = Connection.get(name).get_uri()
    except AirflowNotFoundException:
        return None
    return dialect_url(uri)


def dialect_url(uri: str) -> str:
    """Return Airflow's *uri* with the scheme that SQLAlchemy understands.

    Examples:
        >>> dialect_url("postgres://reader@db/bikes")
        'postgresql+psycopg://reader@db/bikes'
    """
    scheme, separator, rest = uri.partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"
