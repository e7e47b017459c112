"""Airflow on this machine, without Docker: its components as child processes, on loopback, in one folder."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from perennial.core.codes import Code
from perennial.core.errors import ConflictError, UnavailableError
from perennial.orchestration import guard
from perennial.orchestration.client import Client
from perennial.orchestration.components import SCHEDULER
from perennial.orchestration.settings import USER, Login, environment, load_secrets

WARM = (
    "pandas",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.ensemble",
    "skops.io",
    "sqlalchemy",
    "psycopg",
    "airflow.sdk.execution_time.task_runner",
    "perennial.steps.loop",
    "perennial.stores.ledger.postgres",
    "perennial.stores.sql.source",
)
"""What the tasks' processes find imported: about 7 s of one core once, instead of in every task."""

_START_TIMEOUT_S = 180.0
_STOP_TIMEOUT_S = 30.0
_NEEDED = ("metadatabase", "scheduler", "dag_processor")


class LocalAirflow:
    """API server, scheduler (LocalExecutor), DAG processor and triggerer, while the ``with`` block lasts.

    However the block ends, by Ctrl-C, by ``kill -9`` of this process or with its terminal, a guard process stops all of them.

    Attributes:
        address: Where the API server and the user interface are.
        login: Who may log in there.
        client: A client of its API.
    """

    address: str
    login: Login
    client: Client

    def __init__(
        self,
        home: Path,
        *,
        dags: Path,
        plugins: Path,
        metadata_url: str,
        environment: Mapping[str, str],
        warm: Sequence[str] = WARM,
        hold: Sequence[int] = (),
    ) -> None:
        """Say what to start; ``with`` starts it.

        Args:
            home: The folder of this Airflow: secrets, logs, lock. Made where missing.
            dags: The folder of DAG files.
            plugins: The folder of plugins.
            metadata_url: SQLAlchemy URL (``postgresql+psycopg://``) of a database of its own.
            environment: What the components and tasks find in their environment, besides the settings of Airflow.
            warm: Modules that the tasks' processes find imported.
            hold: File descriptors that the guard keeps open until all has stopped, such as ``EmbeddedPostgres.hold``.
        """
        self._home = home.absolute()
        self._dags, self._plugins, self._metadata_url = dags.absolute(), plugins.absolute(), metadata_url
        self._inherited, self._warm, self._hold = environment, warm, hold
        self._guard: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()

    @property
    def logs(self) -> Path:
        """The folder with one log file per component, and the tasks' logs below it."""
        return self._home / "logs"

    def __enter__(self) -> Self:
        """Start, and wait until scheduler and DAG processor are healthy. The triggerer may still be on its way.

        Raises:
            ConflictError: AIRFLOW_RUNNING, one runs in this folder already.
            UnavailableError: AIRFLOW_STOPPED, a component ended while starting; AIRFLOW_TIMEOUT, it took over 180 s.
        """
        with ExitStack() as stack:
            (self.logs / "tasks").mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(_locked(self._home))
            self._start(stack, lock)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop everything."""
        self._stack.close()

    def check(self) -> None:
        """Raise if a component has ended by itself.

        Raises:
            UnavailableError: AIRFLOW_STOPPED.
        """
        if self._guard is not None and _read_line(self._guard) is not None:
            last = (self.logs / "components.log").read_text(errors="replace").strip().rpartition("\n")[2][-300:]
            raise UnavailableError(Code.AIRFLOW_STOPPED, f"a component ended: {last}; see {self.logs}", where="local Airflow")

    def _start(self, stack: ExitStack, lock: int) -> None:
        keys = load_secrets(self._home)
        port = _free_port()
        self.address, self.login = f"http://127.0.0.1:{port}", Login(USER, keys.password)
        self.client = Client(self.address, self.login, check=self.check)
        settings = environment(
            home=self._home,
            dags=self._dags,
            plugins=self._plugins,
            metadata_url=self._metadata_url,
            port=port,
            keys=keys,
            inherited=self._inherited,
        )
        _write_state(self._home, self.address)
        self._migrate(settings)
        self._guard = stack.enter_context(_guarded([lock, *self._hold]))
        self._order(settings, port)
        self._wait_until_healthy()

    def _migrate(self, settings: Mapping[str, str]) -> None:
        """Bring the metadata database to this Airflow's schema, once per home and version."""
        done, now = self._home / "migrated", version("apache-airflow-core")
        if done.exists() and done.read_text() == now:
            return
        log = self.logs / "migrate.log"
        with log.open("ab") as output:
            command = [sys.executable, "-m", "airflow", "db", "migrate"]
            result = subprocess.run(command, env=settings, stdout=output, stderr=output, check=False)  # noqa: S603 - our own
        if result.returncode:
            raise UnavailableError(Code.AIRFLOW_STOPPED, f"its database cannot be migrated; see {log}", where="local Airflow")
        done.write_text(now)

    def _order(self, settings: Mapping[str, str], port: int) -> None:
        # Task logs are on this disk, so nobody needs serve-logs, which would listen on every interface.
        components = {
            "api-server": ["--port", str(port)],
            SCHEDULER: ["--skip-serve-logs"],
            "dag-processor": [],
            "triggerer": ["--skip-serve-logs"],
        }
        options = json.dumps({"logs": str(self.logs), "warm": list(self._warm), "components": components})
        order = {
            "start": "components",
            "command": [sys.executable, "-m", "perennial.orchestration.components", options],
            "environment": dict(settings),
            "log": str(self.logs / "components.log"),
        }
        assert self._guard is not None  # for the type checker
        assert self._guard.stdin is not None  # for the type checker
        self._guard.stdin.write(json.dumps(order).encode() + b"\n")
        self._guard.stdin.flush()

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        primed = False
        while True:
            health = self.client.health()
            # The tasks' own API takes 4 s for its first answer; better now, beside the scheduler's imports, than in the first task.
            primed = primed or (bool(health) and self.client.prime())
            if all(health.get(name) == "healthy" for name in _NEEDED):
                return
            try:
                self.check()
            except UnavailableError:
                (self._home / "migrated").unlink(missing_ok=True)  # a wiped database is the likeliest reason
                raise
            if time.monotonic() > deadline:
                message = f"not healthy after {_START_TIMEOUT_S:g} s: {health}; see {self.logs}"
                raise UnavailableError(Code.AIRFLOW_TIMEOUT, message, where="local Airflow")
            time.sleep(0.1)


@contextmanager
def _guarded(keep: list[int]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the guard. It stops everything when its input is closed, here or by the end of this process."""
    process = subprocess.Popen(  # noqa: S603 - our own file
        [sys.executable, "-I", "-S", guard.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=keep,
        start_new_session=True,
    )
    with process:
        assert process.stdin is not None  # for the type checker
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(_STOP_TIMEOUT_S)


@contextmanager
def _locked(home: Path) -> Iterator[int]:
    """Hold the lock of *home*. A guard that is still stopping an earlier one, whose supervisor is gone, is waited for.

    Raises:
        ConflictError: AIRFLOW_RUNNING.
    """
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                pid, address = _read_state(home)
                if _alive(pid) or time.monotonic() > deadline:
                    found = f"one runs in {home} already, at {address}, process {pid}"
                    raise ConflictError(Code.AIRFLOW_RUNNING, found, where="local Airflow") from error
                time.sleep(0.1)
        yield lock
    finally:
        os.close(lock)


def _write_state(home: Path, address: str) -> None:
    (home / "running.json").write_text(json.dumps({"pid": os.getpid(), "address": address}))


def _read_state(home: Path) -> tuple[int, str]:
    try:
        state = json.loads((home / "running.json").read_text())
    except (OSError, ValueError):
        return 0, "an unknown address"
    return int(state["pid"]), str(state["address"])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return pid > 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read_line(process: subprocess.Popen[bytes]) -> bytes | None:
    """Return what the guard said (nothing, if it is gone), or None if it said nothing."""
    assert process.stdout is not None  # for the type checker
    readable, _, _ = select.select([process.stdout], [], [], 0)
    return os.read(process.stdout.fileno(), 1 << 12) if readable else None
