"""Airflow's connections, as the URLs that our sources understand."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from perennial.orchestration.provider import DATABASE, FILES, PLACE

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""Airflow names a kind of database where SQLAlchemy wants a dialect and a driver."""


def connection_url(name: str) -> str | None:
    """Return the URL of Airflow's connection *name*, or None where Airflow has none. A task asks so, by Airflow's API."""
    try:
        return _url_of(Connection.get(name))
    except AirflowNotFoundException:
        return None


def stored_connection_url(name: str) -> str | None:
    """Return the same for a command of Airflow's, which reads Airflow's database, and its other places for secrets, itself."""
    from airflow.models.connection import Connection as Stored  # noqa: PLC0415 - SQLAlchemy, and no task may import it

    try:
        with redirect_stdout(sys.stderr):  # Airflow would warn there, amid what the command prints, of each kind with an underscore
            return _url_of(Stored.get_connection_from_secrets(name))
    except AirflowNotFoundException:
        return None


def _url_of(connection: Any) -> str | None:  # noqa: ANN401 - Airflow has two kinds, which say the same
    if connection.conn_type == FILES:
        return str(connection.extra_dejson.get(PLACE) or "") or None
    if connection.conn_type == DATABASE:
        return _without_telling(connection.password)
    return dialect_url(connection.get_uri())


def dialect_url(uri: str) -> str:
    """Return Airflow's *uri* with the scheme that SQLAlchemy understands.

    Examples:
        >>> dialect_url("postgres://reader@db/bikes")
        'postgresql+psycopg://reader@db/bikes'
    """
    scheme, separator, rest = uri.partition("://")
    return f"{_DRIVERS.get(scheme, scheme)}{separator}{rest}"


def _without_telling(url: str | None) -> str | None:
    """Return *url*, whose password no log shows from now on; Airflow itself masks the whole of it."""
    with suppress(ValueError):  # it cannot be read as a URL: whoever connects says so
        password = urlsplit(url or "").password or ""
        for secret in {password, unquote(password)} - {""}:
            mask_secret(secret)
    return url or None
