"""What goes wrong on purpose: processes to kill, a server to stop, a disk to fill, a network to cut."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, TypeVar

import psycopg
import pytest

from perennial.stores.embedded_postgres import EmbeddedPostgres, embedded_postgres

collect_ignore = ["files"]
"""Programs, no tests."""
T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
CONTINUE = b"HTTP/1.1 100 "
"""What a server says before it has a request's body; that is no answer to it."""
_NUMBERS = count(1)


@dataclass
class Outcome:
    """What a task said until it ended."""

    pid: int = 0
    began: bool = False
    acked: list[Any] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    error: list[str] | None = None
    ended: int | None = None


class Workers:
    """A process that forks one that works for each task; what is heavy is imported once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Talk to *process*."""
        self._process = process
        self._rest = b""
        self._outcomes: dict[str, Outcome] = defaultdict(Outcome)

    def start(self, **ask: object) -> str:
        """Start a task, and return its name."""
        task = f"task {next(_NUMBERS)}"
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'task': task, **ask})}\n".encode())
        self._process.stdin.flush()
        return task

    def until(self, task: str, done: Callable[[Outcome], object], timeout_s: float = PATIENCE_S) -> Outcome:
        """Return what *task* said as soon as *done* holds, or when the time is over; then the caller sees that it does not."""
        deadline = time.monotonic() + timeout_s
        while not done(self._outcomes[task]) and self._listen(deadline - time.monotonic()):
            pass
        return self._outcomes[task]

    def ended(self, task: str) -> Outcome:
        """Return what *task* said, when it has ended."""
        outcome = self.until(task, lambda found: found.ended is not None)
        assert outcome.ended is not None
        return outcome

    def stopped(self, task: str) -> int | None:
        """Return the process of *task* when it has stopped itself, or None where it has ended without."""
        deadline = time.monotonic() + PATIENCE_S
        outcome = self.until(task, lambda found: found.pid)
        while outcome.ended is None:
            if _state(outcome.pid) in {"T", "t"}:
                return outcome.pid
            assert time.monotonic() < deadline, "the process neither stops nor ends"
            self.until(task, lambda found: found.ended is not None, 0.002)
        return None

    def kill(self, task: str, after_s: float) -> Outcome:
        """Kill *task* so long after it began, unless it has ended by then, and return what it said."""
        outcome = self.until(task, lambda found: found.pid and (found.began or found.ended is not None))
        self.until(task, lambda found: found.ended is not None, after_s)
        if outcome.ended is None:
            with suppress(ProcessLookupError):  # it has just ended, and has not said so yet
                os.kill(outcome.pid, signal.SIGKILL)
        return self.ended(task)

    def _listen(self, timeout_s: float) -> bool:
        """Note what came within the time, and return whether anything did."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], max(timeout_s, 0))
        if not ready:
            return False
        found = os.read(self._process.stdout.fileno(), 1 << 16)
        assert found, "the process that forks has ended"
        *lines, self._rest = (self._rest + found).split(b"\n")
        for line in lines:
            self._note(json.loads(line))
        return True

    def _note(self, said: dict[str, Any]) -> None:
        outcome = self._outcomes[said.pop("task")]
        [(name, value)] = said.items()
        if name == "acked":
            outcome.acked.append(value)
        else:
            setattr(outcome, name, value)


def _state(pid: int) -> str:
    """Return the letter by which the kernel calls the state of a process; that of a dead one where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Processes to kill."""
    command = [sys.executable, "-m", "tests.faults.files.workers"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # a process with threads is not to be forked
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Workers(process)
        process.communicate()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to go through all points: ``make faults TESTS="tests/faults --exhaustive"``."""
    parser.addoption("--exhaustive", action="store_true", help="faults at every point, not at some of them (takes about an hour)")


@pytest.fixture
def some(request: pytest.FixtureRequest) -> Callable[[Sequence[T], int], list[T]]:
    """Return a function that chooses so many of the points, evenly and with both ends; with ``--exhaustive`` it returns all."""
    exhaustive = bool(request.config.getoption("--exhaustive", default=False))

    def choose(points: Sequence[T], wanted: int) -> list[T]:
        if exhaustive or len(points) <= wanted:
            return list(points)
        return [points[round(number * (len(points) - 1) / (wanted - 1))] for number in range(wanted)]

    return choose


@pytest.fixture
def new_ledger(postgres: EmbeddedPostgres, ledger_template: str) -> Iterator[Callable[[], str]]:
    """Return a function that makes a database with an empty ledger and returns its URL. It is dropped at the end."""
    names = []
    with psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:

        def make() -> str:
            names.append(f"faults_{next(_NUMBERS)}")
            connection.execute(f"CREATE DATABASE {names[-1]} TEMPLATE {ledger_template}")
            return postgres.url(names[-1])

        yield make
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Server:
    """A PostgreSQL of a test's own, which may be stopped at once and started again."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start it on *folder*."""
        self._folder, self._stack = folder, stack
        self.running: EmbeddedPostgres = stack.enter_context(embedded_postgres(folder))

    @property
    def pid(self) -> int:
        """The postmaster."""
        return int((self._folder / "postmaster.pid").read_text().split()[0])

    def stop_at_once(self) -> None:
        """Do what ``pg_ctl stop -m immediate`` does: no checkpoint, no goodbye; return when no process of it is left."""
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + PATIENCE_S
        while _state(pid) not in {"X", "Z"}:  # a zombie has ended, whoever has not asked about it yet
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.005)

    def start(self) -> None:
        """Start it again if it does not run, and return when it has recovered."""
        self.running = self._stack.enter_context(embedded_postgres(self._folder))
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the server does not recover"
                time.sleep(0.05)
            else:
                return

    def connect(self, database: str) -> psycopg.Connection:
        """Return a connection as the server's owner."""
        return psycopg.connect(host=str(self.running.socket_folder), user="postgres", dbname=database, autocommit=True)


@contextmanager
def _run(folder: Path) -> Iterator[Server]:
    with ExitStack() as stack:
        server = Server(folder, stack)
        yield server
        server.stop_at_once()  # a shutdown in good order would write out what is thrown away


@pytest.fixture
def own_server() -> Callable[[Path], AbstractContextManager[Server]]:
    """Return a context that runs a server on a folder."""
    return _run


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all tests that stop it. It runs whenever a test begins."""
    with TemporaryDirectory(prefix="perennial-", ignore_cleanup_errors=True) as folder, _run(Path(folder) / "data") as running:
        with running.connect("postgres") as connection:
            # A process that ends takes nothing that it wrote with it, so no flush is needed; a recovery takes far longer with.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield running


@contextmanager
def _mounted(folder: Path, size: str) -> Iterator[None]:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", str(folder)], check=False)
    if made.returncode:
        pytest.skip("a small file system needs the right to mount one (root)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk() -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a file system of a size such as ``40m``."""
    if os.geteuid():
        pytest.skip("a small file system needs the right to mount one (root)")
    with TemporaryDirectory(prefix="perennial-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)  # for the server, which runs as a user of its own

        def mount(size: str) -> Path:
            folder = Path(name) / f"disk-{next(_NUMBERS)}"
            folder.mkdir()
            stack.enter_context(_mounted(folder, size))
            return folder

        yield mount


@dataclass
class Cut:
    """What a relay does to one connection. Without any of these it passes everything on.

    Attributes:
        sent: Cut when so many bytes came from the client.
        received: Cut when so many bytes came from the server; those before are passed on.
        on: Cut when the server has answered a message that holds these bytes; the answer is not passed on.
        after: At which of these messages, from 1; of all connections that this cut is for.
        answer: Say this instead of asking the server, when a whole head of a request is there.
        flip: Change the byte at this place of what comes from the server.
        delay_s: Wait so long before the first byte is passed on.
        done: Whether it was cut.
        dropped: The answer that was not passed on.
    """

    sent: int | None = None
    received: int | None = None
    on: bytes | None = None
    after: int = 1
    answer: bytes | None = None
    flip: int | None = None
    delay_s: float = 0
    done: bool = False
    dropped: bytes = b""


class Relay:
    """Passes connections on to a server, and does to each what its turn in *cuts* says; to those after the last, nothing."""

    def __init__(self, listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
        """Serve *listener* in threads."""
        self.cuts: list[Cut] = []
        self._listener, self._connect = listener, connect
        self._open: list[socket.socket] = []
        Thread(target=self._serve, daemon=True).start()

    def hang_up(self) -> None:
        """End all connections that there are, so that the next request comes over a new one."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            cut = self.cuts.pop(0) if self.cuts else Cut()
            Thread(target=self._pass, args=(client, cut), daemon=True).start()

    def _pass(self, client: socket.socket, cut: Cut) -> None:
        with client, suppress(OSError):
            time.sleep(cut.delay_s)
            if cut.answer is not None:
                _read_head(client)
                client.sendall(cut.answer)
                cut.done = True
                return
            with self._connect() as server:
                _relay(client, server, cut)


def _read_head(client: socket.socket) -> None:
    """Read a request with its body, so that the client hears the answer and not a reset."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += client.recv(1 << 16)
    head, _, body = found.partition(b"\r\n\r\n")
    if b"100-continue" in head.lower():
        return
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    left = (int(length[1]) if length else 0) - len(body)
    while left > 0:
        left -= len(client.recv(1 << 16))


def _relay(client: socket.socket, server: socket.socket, cut: Cut) -> None:
    """Pass bytes both ways until one side ends or the cut comes."""
    sent = received = 0
    armed = False
    while True:
        for ready in select.select([client, server], [], [])[0]:
            if ready is client:
                chunk = client.recv(1 << 16)
                sent += len(chunk)
                cut.after -= chunk.count(cut.on) if cut.on else 0
                armed = cut.on is not None and cut.after < 1 and not cut.done
                if cut.sent is not None and sent >= cut.sent:
                    cut.done = True
                    return
                server.sendall(chunk)
            else:
                chunk = server.recv(1 << 16)
                if armed and not chunk.startswith(CONTINUE):
                    cut.done, cut.dropped = True, chunk
                    return
                if cut.flip is not None and received <= cut.flip < received + len(chunk):
                    at = cut.flip - received
                    chunk = chunk[:at] + bytes([chunk[at] ^ 1]) + chunk[at + 1 :]
                    cut.done = True
                if cut.received is not None and received + len(chunk) >= cut.received:
                    client.sendall(chunk[: cut.received - received])
                    cut.done = True
                    return
                received += len(chunk)
                client.sendall(chunk)
            if not chunk:
                return


@pytest.fixture
def cut() -> type[Cut]:
    """What a relay can do to a connection."""
    return Cut


@pytest.fixture
def relay() -> Iterator[Callable[[str | tuple[str, int]], tuple[Relay, str | tuple[str, int]]]]:
    """Return a function that puts a relay before a server (a Unix socket's path, or host and port): it and its address."""
    with ExitStack() as stack:

        def before(target: str | tuple[str, int]) -> tuple[Relay, str | tuple[str, int]]:
            kind = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
            listener = stack.enter_context(socket.socket(kind))
            folder = stack.enter_context(TemporaryDirectory(prefix="perennial-"))
            listener.bind(str(Path(folder) / Path(target).name) if isinstance(target, str) else ("127.0.0.1", 0))
            listener.listen()
            stack.callback(listener.shutdown, socket.SHUT_RDWR)

            def connect() -> socket.socket:
                server = socket.socket(kind)
                server.connect(target)
                return server

            return Relay(listener, connect), listener.getsockname()

        yield before


@contextmanager
def _limited(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def limited_files() -> Callable[[int], Any]:
    """Return a context in which this process can write no file beyond a size: the write fails as on a full disk."""
    return _limited


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how often what went wrong on purpose."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "user_properties")]
    called = [report for report in reports if getattr(report, "when", "") == "call"]
    told = [f"{name}: {value}" for report in called for name, value in report.user_properties]
    if told:
        terminalreporter.section("faults")
        terminalreporter.write_line("\n".join(told))
