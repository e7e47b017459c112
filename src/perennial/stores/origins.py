"""What a source's tables and files are called in OpenLineage: as its naming says, so that who made them is found by the same name.

https://openlineage.io/docs/spec/naming says how. A name is made of the address alone, without login, password and options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import URL

from perennial.stores.database import read_url
from perennial.stores.s3_client import s3_address


class Origin(NamedTuple):
    """A dataset: the system that it lies in, and what it is called there."""

    namespace: str
    name: str


class _Server(NamedTuple):
    """What a kind of database server is called, and what is meant where an address or a table does not say it."""

    scheme: str
    port: int | None = None
    schema: str | None = None


_SERVERS: Mapping[str, _Server] = MappingProxyType(
    {
        "postgresql": _Server("postgres", 5432, "public"),
        "mysql": _Server("mysql", 3306),
        "mariadb": _Server("mysql", 3306),
        "mssql": _Server("mssql", 1433, "dbo"),
        "trino": _Server("trino", 8080),
    }
)
"""Any other is called as SQLAlchemy calls it."""


def origin_of_files(url: str, path: str) -> Origin | None:
    """Return what *path* below the folder or the ``s3://`` prefix *url* is called; None where *url* is neither.

    Raises:
        DefinitionError: DEFINITION_URL, of S3; what is no plain address may hold a secret.

    Examples:
        >>> origin_of_files("s3://bikes/raw", "demand.parquet")
        Origin(namespace='s3://bikes', name='raw/demand.parquet')
    """
    if url.startswith("s3://"):
        bucket, prefix = s3_address(url, "connection")
        return Origin(f"s3://{bucket}", _joined(prefix, path))
    if url.startswith(("file://", "/")):
        return Origin("file", "/" + _joined(url.removeprefix("file://"), path))
    return None


def origins_of_tables(url: str, tables: Sequence[str]) -> list[Origin]:
    """Return what *tables*, with or without their schema, of the database at *url* are called.

    Raises:
        DefinitionError: DEFINITION_URL, *url* cannot be read.

    Examples:
        >>> origins_of_tables("postgresql+psycopg://reader:secret@db/bikes", ["demand"])
        [Origin(namespace='postgres://db:5432', name='bikes.public.demand')]
    """
    namespace, inside = _place(read_url(url, where="connection"))
    return [Origin(namespace, ".".join(_whole(table, inside))) for table in tables]


def _joined(*parts: str) -> str:
    return "/".join(part for part in (part.strip("/") for part in parts) if part)


def _place(url: URL) -> tuple[str, list[str]]:
    """Return the namespace of a database, and the names that lead to a table that says nothing but its own."""
    dialect, database = url.get_backend_name(), url.database or ""
    if dialect in {"duckdb", "sqlite"}:
        file = Path(database).absolute()
        return f"{dialect}://{file}", ["main"] if dialect == "sqlite" else [file.stem, "main"]
    inside = [part for part in database.split("/") if part]
    if dialect == "bigquery":
        return dialect, [url.host or "", *inside]
    server = _SERVERS.get(dialect, _Server(dialect))
    schema = [server.schema] if server.schema else []
    return f"{server.scheme}://{_authority(url, server.port)}", [*inside, *schema]


def _authority(url: URL, usual: int | None) -> str:
    """Return host and port; a socket's folder is this machine."""
    asked = {key: value if isinstance(value, str) else value[0] for key, value in url.query.items()}
    host = url.host or asked.get("host", "localhost")
    host = "localhost" if host.startswith("/") else f"[{host}]" if ":" in host else host
    port = url.port or asked.get("port", usual)
    return f"{host}:{port}" if port else host


def _whole(table: str, inside: Sequence[str]) -> list[str]:
    """Return the name of *table* from the database on: its own parts, and before them those that it leaves out."""
    own = table.split(".")
    return [*inside[: max(len(inside) + 1 - len(own), 0)], *own]
