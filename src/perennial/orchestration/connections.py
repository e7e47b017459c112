"""Airflow's connections, as the URLs that our sources understand."""

from __future__ import annotations

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from perennial.orchestration.provider import DATABASE, FILES, PLACE, URL

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""Airflow names a kind of database where SQLAlchemy wants a dialect and a driver."""
_FIELDS = {FILES: PLACE, DATABASE: URL}
"""In which field of its form a connection of our own kinds has its address."""


def connection_url(name: str) -> str | None:
    """Return the URL of Airflow's connection *name*, or None where Airflow has none."""
    try:
        connection = Connection.get(name)
    except AirflowNotFoundException:
        return None
    if connection.conn_type in _FIELDS:
        return str(connection.extra_dejson.get(_FIELDS[connection.conn_type]) or "") or None
    return dialect_url(connection.get_uri())


def dialect_url(uri: str) -> str:
    """Return Airflow's *uri* with the scheme that SQLAlchemy understands.

    Examples:
        >>> dialect_url("postgres://reader@db/bikes")
        'postgresql+psycopg://reader@db/bikes'
    """
    scheme, separator, rest = uri.partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"
