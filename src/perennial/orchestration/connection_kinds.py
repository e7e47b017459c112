"""The kinds of connections that Perennial adds to Airflow. Airflow wants a hook for each; what it gives is an address."""

from __future__ import annotations

from airflow.sdk import BaseHook

from perennial.orchestration.connections import connection_url
from perennial.orchestration.provider import DATABASE, FILES


class Address(BaseHook):
    """Gives the address behind a connection."""

    conn_name_attr = "conn_id"

    def __init__(self, conn_id: str) -> None:
        """Remember which connection."""
        super().__init__()
        self.conn_id = conn_id

    def get_conn(self) -> str | None:
        """Return the address as our sources understand it."""
        return connection_url(self.conn_id)


class Files(Address):
    """A folder, or a prefix on S3, with Parquet or CSV files."""

    conn_type, hook_name, default_conn_name = FILES, "Perennial: files", "perennial_files_default"


class Database(Address):
    """Any database that SQLAlchemy has a dialect for."""

    conn_type, hook_name, default_conn_name = DATABASE, "Perennial: database", "perennial_database_default"
