"""The environment, read once, into the stores that the steps work on. Nothing else reads ``os.environ``."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from perennial.core.codes import Code
from perennial.core.errors import RejectedError
from perennial.core.file_errors import file_errors

if TYPE_CHECKING:
    from perennial.ports import Artifacts, Source, Stores, Tools
    from perennial.stores.health import PostgresHealth
    from perennial.stores.ledger import PostgresLedger
    from perennial.stores.spark.engine import SparkEngine
    from perennial.stores.spark.later import LaterEngine
    from perennial.workshop.owner import ProcessWorkshop

KEY_BYTES = 32
EMBEDDED_DATABASE = "perennial"

_TOLD = {"PERENNIAL_ARTIFACTS", "PERENNIAL_S3_ENDPOINT", "PERENNIAL_TRUSTED_TYPES"}

Connections = Callable[[str], str | None]
"""Returns the URL behind a connection's name, or None where it is not known."""
_ELSEWHERE: ContextVar[Connections | None] = ContextVar("_ELSEWHERE", default=None)
"""Where to look first where the caller does not say it: what ``looking_up`` was given, as long as that lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says.

    Attributes:
        home: PERENNIAL_HOME, the data folder of this installation; ``.perennial`` below the working folder.
        definitions: PERENNIAL_DEFINITIONS, the folder of definitions; ``config/models``.
        database_url: PERENNIAL_DATABASE_URL, the ledger's PostgreSQL; without it an embedded one starts in *home*.
        artifacts: PERENNIAL_ARTIFACTS, a folder or ``s3://bucket/prefix``; ``artifacts`` below *home*.
        s3_endpoint: PERENNIAL_S3_ENDPOINT, where the S3 is not AWS's.
        signing_key: PERENNIAL_SIGNING_KEY, hexadecimal, at least 32 bytes; without it a key file is made in *home*, mode 0600.
        trusted: PERENNIAL_TRUSTED_TYPES, classes that model artifacts may hold beside Perennial's own list, as ``module.Class`` and
            separated by commas.
        spark: PERENNIAL_SPARK, where the rows of a night are worked on: a master as Spark writes it (``local[2]``,
            ``spark://host:7077``), or the name of a connection that holds one; without it that is done in the task's own process.
        connections: PERENNIAL_CONN_<NAME>, the URL of each source, by name in lower case.
    """

    home: Path
    definitions: Path
    database_url: str | None
    artifacts: str
    s3_endpoint: str | None
    signing_key: str | None
    trusted: frozenset[str]
    connections: Mapping[str, str]
    spark: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Read *environment*. An empty variable is one that is not set."""
        home = Path(environment.get("PERENNIAL_HOME") or ".perennial").absolute()
        artifacts = environment.get("PERENNIAL_ARTIFACTS") or str(home / "artifacts")
        prefix = "PERENNIAL_CONN_"
        return cls(
            home=home,
            definitions=Path(environment.get("PERENNIAL_DEFINITIONS") or "config/models").absolute(),
            database_url=environment.get("PERENNIAL_DATABASE_URL") or None,
            artifacts=artifacts if artifacts.startswith("s3://") else str(Path(artifacts).absolute()),
            s3_endpoint=environment.get("PERENNIAL_S3_ENDPOINT") or None,
            signing_key=environment.get("PERENNIAL_SIGNING_KEY") or None,
            trusted=frozenset(name.strip() for name in environment.get("PERENNIAL_TRUSTED_TYPES", "").split(",") if name.strip()),
            connections={
                key.removeprefix(prefix).lower(): url for key, url in environment.items() if key.startswith(prefix) and url
            },
            spark=environment.get("PERENNIAL_SPARK") or None,
        )

    def environment(self) -> dict[str, str]:
        """Return these settings as environment variables, for a child process."""
        values = {
            "PERENNIAL_HOME": str(self.home),
            "PERENNIAL_DEFINITIONS": str(self.definitions),
            "PERENNIAL_DATABASE_URL": self.database_url,
            "PERENNIAL_ARTIFACTS": self.artifacts,
            "PERENNIAL_S3_ENDPOINT": self.s3_endpoint,
            "PERENNIAL_SIGNING_KEY": self.signing_key,
            "PERENNIAL_TRUSTED_TYPES": ",".join(sorted(self.trusted)) or None,
            "PERENNIAL_SPARK": self.spark,
            **{f"PERENNIAL_CONN_{name.upper()}": url for name, url in self.connections.items()},
        }
        return {key: value for key, value in values.items() if value is not None}


def settings() -> Settings:
    """Return what this process's environment says."""
    return Settings.of(os.environ)


def definitions_folder() -> Path:
    """Return the folder of definitions."""
    return settings().definitions


def dags_folder() -> Path | None:
    """Return the folder of DAG files, from which Airflow imports: its setting, else ``dags`` here, else the one in its home."""
    said = os.environ.get("AIRFLOW__CORE__DAGS_FOLDER")
    usual = (Path("dags"), Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser() / "dags")
    found = [Path(said)] if said else [folder for folder in usual if folder.is_dir()]
    return found[0].absolute() if found else None


@contextmanager
def looking_up(connections: Connections) -> Iterator[None]:
    """Have whatever opens a source inside look for its URL by *connections* first; verbs of the command line do not say where."""
    token = _ELSEWHERE.set(connections)
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


@contextmanager
def open_stores(configured: Settings | None = None, *, connections: Connections | None = None) -> Iterator[Stores]:
    """Open everything that the steps need, and close it again.

    Args:
        configured: The settings; by default those of the environment.
        connections: Where to look first for a source's URL, such as Airflow's connections.

    Raises:
        RejectedError: SETTING_MISSING, LEDGER_VERSION, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    from perennial.ports import Stores  # noqa: PLC0415 - DAG files import this module, and parsing must stay light

    chosen = configured or settings()
    with ExitStack() as stack:
        running = stack.enter_context(databases(chosen))
        ledger = stack.enter_context(open_ledger(running.ledger))
        yield Stores(
            source=stack.enter_context(_sources(chosen, connections, running.beside)),
            artifacts=open_artifacts(chosen),
            ledger=ledger,
            signing_key=signing_key(chosen),
            scratch=_scratch(chosen),
            trusted=chosen.trusted,
            workshop=stack.enter_context(closing(new_workshop())),
            engine=stack.enter_context(closing(open_engine(chosen, connections))) if chosen.spark else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reads rows and keeps no record: see ``ports.Stores``, of which this is a part.

    Attributes:
        source: Returns the source behind a connection's name.
        signing_key: The key that authenticates model artifacts.
        scratch: A folder for temporary files.
        trusted: Classes that model artifacts may hold beside Perennial's own list.
    """

    source: Callable[[str], Source]
    signing_key: bytes
    scratch: Path
    trusted: frozenset[str] = frozenset()


@contextmanager
def open_reading(names: Iterable[str], configured: Settings | None = None) -> Iterator[Reading]:
    """Open the sources behind the connections *names*, and no ledger. A database starts only where a source lies in it.

    Raises:
        RejectedError: SETTING_MISSING, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    chosen = configured or settings()
    with ExitStack() as stack:
        elsewhere = _ELSEWHERE.get() or chosen.connections.get
        known = all(name in chosen.connections or elsewhere(name) for name in names)
        beside: Connections = (lambda _: None) if known else stack.enter_context(databases(chosen)).beside
        source = stack.enter_context(_sources(chosen, None, beside))
        yield Reading(source=source, signing_key=signing_key(chosen), scratch=_scratch(chosen), trusted=chosen.trusted)


def new_workshop() -> ProcessWorkshop:
    """Return a workshop whose jobs see the environment without our connections."""
    from perennial.workshop.owner import ProcessWorkshop  # noqa: PLC0415 - DAG files import this module, and parsing must stay light

    return ProcessWorkshop(_for_jobs(environment()))


def open_engine(configured: Settings, connections: Connections | None = None, *, patience_s: float | None = None) -> LaterEngine:
    """Return the engine that the settings name. Its connection is looked up, and it starts, when it is first used.

    Args:
        configured: The settings.
        connections: Where to look first for the master, where the settings name a connection.
        patience_s: How long it may take to start, and to begin with a part; by default as long as a step waits.

    Raises:
        RejectedError: SETTING_MISSING, at its first use: there is no such connection.
    """
    from perennial.stores.spark.engine import SparkEngine  # noqa: PLC0415 - for those who use it
    from perennial.stores.spark.job import PATIENCE_S  # noqa: PLC0415 - the same
    from perennial.stores.spark.later import LaterEngine  # noqa: PLC0415 - the same

    elsewhere = connections or _ELSEWHERE.get()  # whoever uses it may do so in another thread

    def choose() -> SparkEngine:
        master = spark_master(configured, elsewhere)
        return SparkEngine(master, _tools_of(configured, master), patience_s or PATIENCE_S)

    return LaterEngine(choose)


def spark_master(configured: Settings, connections: Connections | None = None) -> str:
    """Return the master that the settings name, themselves or by a connection.

    Raises:
        RejectedError: SETTING_MISSING, there is no such connection.
    """
    from perennial.stores.spark.master import is_master, master_of  # noqa: PLC0415 - for those who use it

    named = configured.spark or ""
    return named if is_master(named) else master_of(_url(named, configured, connections, lambda _: None))


def _tools_of(configured: Settings, master: str) -> ExecutorTools:
    from perennial.stores.spark.master import is_here  # noqa: PLC0415 - for those who use it

    told = {name: value for name, value in configured.environment().items() if name in _TOLD}
    home = {"PERENNIAL_HOME": str(configured.home)} if is_here(master) else {}
    return ExecutorTools(tuple(sorted({**told, **home}.items())))


@dataclass(frozen=True, slots=True)
class ExecutorTools:
    """Opens what work on rows needs on an executor: the artifacts that the driver names, and the executor's own key and scratch.

    Attributes:
        told: Settings of the driver's, by name, that go before those of the executor's environment. None of them is a secret.
    """

    told: tuple[tuple[str, str], ...]

    def __call__(self) -> Tools:
        """Open them.

        Raises:
            RejectedError: SETTING_MISSING, this machine has no signing key; STORE_FULL, STORE_DENIED, its home cannot be used.
            UnavailableError: STORE_UNAVAILABLE.
        """
        from perennial.ports import Tools  # noqa: PLC0415 - DAG files import this module, and parsing must stay light
        from perennial.stores.spark.own_folder import own_folder  # noqa: PLC0415 - for those who use it

        configured = Settings.of({**os.environ, **dict(self.told)})
        with file_errors("PERENNIAL_HOME"):
            keyed = bool(configured.signing_key) or (configured.home / "signing.key").exists()
            if not keyed:  # a new one would fit no model
                fix = "Give Spark's executors the PERENNIAL_SIGNING_KEY of the installation."
                raise RejectedError(Code.SETTING_MISSING, "is not set on an executor", where="PERENNIAL_SIGNING_KEY", fix=fix)
            scratch = own_folder(configured.home / "scratch")
            return Tools(
                artifacts=open_artifacts(configured, scratch=scratch),
                signing_key=signing_key(configured),
                scratch=scratch,
                trusted=configured.trusted,
            )


def _scratch(configured: Settings) -> Path:
    scratch = configured.home / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch


@contextmanager
def _sources(configured: Settings, connections: Connections | None, database: Connections) -> Iterator[Callable[[str], Source]]:
    """Lend the sources by name, each opened once."""
    connections = connections or _ELSEWHERE.get()  # whoever opens one may do so in another thread
    with ExitStack() as stack:

        @cache
        def source(name: str) -> Source:
            return stack.enter_context(open_source(name, configured, connections, database))

        yield source


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of an installation while they run.

    Attributes:
        ledger: The ledger's URL.
        beside: Gives the URL of another database of the same server, by name; None where the server is not ours.
        hold: File descriptors that keep an embedded server running, for a child process that must outlive this one.
    """

    ledger: str
    beside: Connections
    hold: tuple[int, ...] = ()


def environment() -> dict[str, str]:
    """Return a copy of this process's environment, for a child process."""
    return dict(os.environ)


def _for_jobs(found: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that somebody's estimator may see: without the signing key and our connections."""
    return {name: value for name, value in found.items() if not name.startswith("PERENNIAL_")}


@contextmanager
def databases(configured: Settings) -> Iterator[Databases]:
    """Yield the databases, with an embedded PostgreSQL started where none is configured.

    With the embedded one the ledger is brought to the newest schema, and a source's connection that is not configured is the
    database of its name in the same server. With a PostgreSQL of one's own neither happens.
    """
    if configured.database_url:
        yield Databases(configured.database_url, lambda _: None)
        return
    from perennial.stores.embedded_postgres import embedded_postgres  # noqa: PLC0415 - an extra
    from perennial.stores.migrations import migrate  # noqa: PLC0415 - Alembic, for those who need it

    with embedded_postgres(configured.home / "postgres") as server:
        url = server.url(EMBEDDED_DATABASE)
        migrate(url)
        yield Databases(url, server.url, (server.hold,))


def open_ledger(url: str) -> AbstractContextManager[PostgresLedger]:
    """Open the ledger behind *url*, which must have the schema of this code."""
    from perennial.stores.ledger import PostgresLedger  # noqa: PLC0415 - SQLAlchemy

    return closing(PostgresLedger.open(url))


@contextmanager
def open_health(configured: Settings | None = None) -> Iterator[PostgresHealth]:
    """Open what reads the ledger for the pages of model health, and close it again.

    Raises:
        RejectedError: LEDGER_VERSION, STORE_DENIED.
        UnavailableError: STORE_UNAVAILABLE.
    """
    from perennial.stores.health import PostgresHealth  # noqa: PLC0415 - SQLAlchemy

    with databases(configured or settings()) as running, closing(PostgresHealth.open(running.ledger)) as health:
        yield health


def open_artifacts(configured: Settings, *, scratch: Path | None = None) -> Artifacts:
    """Return the store of artifacts, on disk or on S3; what is fetched from there lies in *scratch*, or else below the home."""
    if configured.artifacts.startswith("s3://"):
        from perennial.stores.artifacts.s3 import open_s3  # noqa: PLC0415 - boto3, for those who use it

        folder = scratch or configured.home / "scratch"
        return open_s3(configured.artifacts, endpoint_url=configured.s3_endpoint, scratch=folder)
    from perennial.stores.artifacts.disk import DiskArtifacts  # noqa: PLC0415

    return DiskArtifacts(Path(configured.artifacts))


def signing_key(configured: Settings) -> bytes:
    """Return the key that authenticates model artifacts. A key file is made, readable by its owner only, where none is set.

    Raises:
        RejectedError: SETTING_MISSING, the key is not hexadecimal or too short.
    """
    path = configured.home / "signing.key"
    try:
        key = bytes.fromhex(configured.signing_key or _key_file(path))
    except ValueError:  # also of a file that is no text
        key = b""
    if len(key) < KEY_BYTES:
        where = "PERENNIAL_SIGNING_KEY" if configured.signing_key else str(path)
        raise RejectedError(Code.SETTING_MISSING, f"must be at least {KEY_BYTES} bytes in hexadecimal", where=where)
    return key


def _key_file(path: Path) -> str:
    """Return the key in *path*, which is made whole or not at all, and by one process only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, suffix=".key") as file:  # mode 0600
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
    return path.read_text().strip()


@contextmanager
def source_url(name: str) -> Iterator[str]:
    """Yield the URL behind a source's connection, with its server running.

    Raises:
        RejectedError: SETTING_MISSING.
    """
    configured = settings()
    with databases(configured) as running:
        yield _url(name, configured, None, running.beside)


def now() -> datetime:
    """Return the present moment, for what a person starts by hand. No step asks for it."""
    return datetime.now(UTC)


def login_name() -> str:
    """Return the login name of whoever runs this process; the user's number where there is none, as in some containers."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return f"user {os.getuid()}"


def holder(actor: str) -> str:
    """Return a name for what *actor* does now, to hold a lease and claim a request with. No other call has it, ever.

    The host and the process say where to look; in containers both come again, so there is a random part too.
    """
    return f"{actor} on {socket.gethostname()}, process {os.getpid()}, {secrets.token_hex(4)}"


@contextmanager
def open_source(name: str, configured: Settings, connections: Connections | None, database: Connections) -> Iterator[Source]:
    """Lend the source behind a connection's name, and close it again.

    Args:
        name: The connection.
        configured: The settings.
        connections: Where to look first for its URL.
        database: Where to look last.

    Raises:
        RejectedError: SETTING_MISSING.
    """
    url = _url(name, configured, connections, database)
    if url.startswith(("file://", "/")):
        from perennial.stores.files.folder_source import FileSource  # noqa: PLC0415

        yield FileSource(Path(url.removeprefix("file://")), scratch=configured.home / "scratch")
    elif url.startswith("s3://"):
        from perennial.stores.files.s3_source import open_s3_source  # noqa: PLC0415 - boto3, for those who use it

        scratch, endpoint = configured.home / "scratch", configured.s3_endpoint
        yield open_s3_source(url, endpoint_url=endpoint, scratch=scratch, where=f"connection {name}")
    else:
        from perennial.stores.sql.source import SqlSource  # noqa: PLC0415

        with closing(SqlSource(url, scratch=configured.home / "scratch", keep=True)) as source:
            yield source


def _url(name: str, configured: Settings, connections: Connections | None, database: Connections) -> str:
    first = connections or _ELSEWHERE.get()
    url = (first(name) if first else None) or configured.connections.get(name) or database(name)
    if url is None:
        missing = f"set PERENNIAL_CONN_{name.upper()} or make an Airflow connection {name}"
        raise RejectedError(Code.SETTING_MISSING, "is not configured", where=f"connection {name}", fix=missing)
    return url
