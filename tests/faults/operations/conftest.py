"""A world to do harm to: it is made once, and every test works on copies of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from perennial.core.receipts import Fault, ModelVersion, Promotion
from perennial.learning.codec import load_model
from perennial.ports import Stores
from perennial.steps.audit import audit
from perennial.stores.artifacts.disk import DiskArtifacts
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.stores.migrations import migrate
from perennial.stores.tables import lease, metadata, prediction
from perennial.testing import MemorySource

if TYPE_CHECKING:
    from tests.faults.conftest import Outcome, Workers

KEY = b"0123456789abcdef0123456789abcdef"
MODEL = "bikes_small"
OF_THE_RUN = ["written_at", "said_at", "claimed_at", "number", "batch", "fit_seconds", "fit_memory", "cost", "gates"]
"""Columns that tell when and in which order something was written and what it took, not what it is."""
MUTATING = (
    "write,pwrite64,fsync,fdatasync,ftruncate,?rename,renameat,?renameat2,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,?link,linkat,"
    "?chmod,fchmod,fchmodat,utimensat,openat,sendto,sendmsg"
)
"""The system calls by which a process changes anything outside of itself; between two of them, whoever looks sees no difference."""
_NUMBERS = count(1)
_CALL = re.compile(r"(\d+) +(\w+)\(")

Standing = dict[str, str]
"""Who is champion, and which batch every night shows in each role, with its rows."""


@dataclass(frozen=True)
class Copy:
    """A copy of the world."""

    url: str
    folder: Path

    @contextmanager
    def psql(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            yield connection

    def faults(self) -> list[Fault]:
        """Return what the audit finds. The champion's model is also loaded, through its whole verification."""
        with self.stores() as stores:
            [newest] = stores.ledger.history(Promotion, MODEL, newest=1)
            if newest.version is not None:
                manifest = stores.ledger.get(ModelVersion, newest.version).artifact
                load_model(manifest, key=KEY, get=stores.artifacts.get)
            return audit(stores)

    @contextmanager
    def stores(self) -> Iterator[Stores]:
        """Lend the stores."""
        with closing(PostgresLedger.open(self.url)) as ledger:
            source, artifacts = MemorySource({}), DiskArtifacts(self.folder / "artifacts")
            folder = self.folder / "scratch"
            yield Stores(source=lambda _: source, artifacts=artifacts, ledger=ledger, signing_key=KEY, scratch=folder)

    def standing(self) -> Standing:
        """Return what people see."""
        champion = (
            "SELECT 'champion', epoch || ' ' || coalesce(version, 'none') FROM perennial.promotion ORDER BY epoch DESC LIMIT 1"
        )
        shown = """
            SELECT interval_start || ' ' || role, id || ' ' || count(p.batch)
            FROM perennial.prediction_batch b LEFT JOIN perennial.prediction p ON p.batch = b.number
            WHERE state = 'current' GROUP BY number
        """
        with self.psql() as connection:
            return dict(connection.execute(champion).fetchall() + connection.execute(shown).fetchall())

    def picture(self) -> dict[str, Counter[str]]:
        """Return all that is in the ledger and in the store but for when it was written, and who holds what."""
        files = Counter(digest for digest, _ in DiskArtifacts(self.folder / "artifacts").digests())
        with self.psql() as connection:
            rows = {table.name: _rows(connection, table.name, OF_THE_RUN) for table in metadata.sorted_tables if table is not lease}
        return {**rows, "files": files}

    def to_the_letter(self) -> dict[str, Counter[str]]:
        """Return every row of every table but the leases, with all its columns."""
        with self.psql() as connection:
            return {table.name: _rows(connection, table.name, []) for table in metadata.sorted_tables if table is not lease}


def _rows(connection: psycopg.Connection[Any], table: str, without: list[str]) -> Counter[str]:
    """Return the rows of *table* as texts. A prediction also says what its batch is."""
    joined = ""
    if table == prediction.name and without:
        joined = " JOIN perennial.prediction_batch b ON b.number = r.batch"
    of_batch = " || b.id" if joined else ""
    statement = f"SELECT (to_jsonb(r) - %s::text[])::text{of_batch} FROM perennial.{table} r{joined}"  # noqa: S608 - our own tables
    return Counter(text for (text,) in connection.execute(statement, [without]))


@dataclass(frozen=True)
class Undisturbed:
    """How an operation goes when nothing goes wrong.

    Attributes:
        points: The names of the points at which a process may be killed, in order.
        before: What people see before it.
        after: What they see after it.
        picture: All that it leaves.
    """

    points: list[str]
    before: Standing
    after: Standing
    picture: dict[str, Counter[str]]

    @property
    def changes(self) -> int:
        """How many things people see change."""
        return self.done(self.after)

    def done(self, standing: Standing) -> int:
        """Return how many of these things have changed in *standing*, where each is the old or the new one."""
        keys = self.before.keys() | self.after.keys()
        states = {key: (self.before.get(key), self.after.get(key)) for key in keys}
        assert standing.keys() <= keys
        assert [key for key in keys if standing.get(key) not in states[key]] == []
        return sum(old != new and standing.get(key) == new for key, (old, new) in states.items())


class World:
    """A database on a server and a folder with artifacts, to be copied; what is done to a copy is done by a process of its own."""

    def __init__(
        self,
        workers: Workers,
        definition: dict[str, Any],
        folder: Path,
        admin: Callable[[], psycopg.Connection[Any]],
        url: Callable[[str], str],
    ) -> None:
        """Make it, on the server that *admin* connects to."""
        self.workers, self._definition, self._folder, self._admin, self._url = workers, definition, folder, admin, url
        self._now = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        self._name = f"lived_{next(_NUMBERS)}"
        self._undisturbed: dict[str, Undisturbed] = {}
        self.first = Copy(url(self._name), folder / self._name)
        migrate(self.first.url)
        (self.first.folder / "scratch").mkdir(parents=True)
        self.run(self.first, "live")

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        """Lend a copy, which is thrown away."""
        name = f"copy_{next(_NUMBERS)}"
        folder = self._folder / name
        with self._admin() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, self._name))))
        shutil.copytree(self.first.folder, folder, copy_function=os.link)  # artifacts are never changed, only replaced
        yield Copy(self._url(name), folder)
        with self._admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        shutil.rmtree(folder)

    def begin(self, copy: Copy, operation: str, **more: object) -> str:
        """Start an operation, and return the task's name."""
        ask = {"url": copy.url, "folder": str(copy.folder), "definition": self._definition, "now": self._now, **more}
        return self.workers.start(kind="operate", operation=operation, **ask)

    def run(self, copy: Copy, operation: str, **more: object) -> Outcome:
        """Do an operation; unless it is killed, it must go well."""
        outcome = self.workers.ended(self.begin(copy, operation, **more))
        assert outcome.error is None
        return outcome

    def undisturbed(self, operation: str, *, statements: bool = False) -> Undisturbed:
        """Return how an operation goes that nobody disturbs; with *statements* it has points at these, too."""
        key = f"{operation} {statements}"
        if key not in self._undisturbed:
            with self.copy() as copy:
                before = copy.standing()
                points = self.run(copy, operation, statements=statements).points
                self._undisturbed[key] = Undisturbed(points, before, copy.standing(), copy.picture())
                assert copy.faults() == []
        return self._undisturbed[key]

    def converges(self, copy: Copy, operation: str, expected: Undisturbed, when: str) -> None:
        """Repeat the operation: then all is as if nobody had disturbed it."""
        assert self.run(copy, operation).ended == 0, when
        assert copy.picture() == expected.picture, when
        assert copy.faults() == [], when
        assert sorted(copy.folder.rglob(".gone-*")) == [], when


@pytest.fixture(scope="session")
def world(postgres: EmbeddedPostgres, workers: Workers, small: dict[str, Any]) -> Iterator[World]:
    """The world, on the server of all tests."""

    def admin() -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(postgres.socket_folder), user="postgres", dbname="postgres", autocommit=True)

    with TemporaryDirectory(prefix="perennial-") as folder:
        yield World(workers, small, Path(folder), admin, postgres.url)


class Strace:
    """Lets processes run under strace from where they have stopped themselves."""

    def __init__(self, world: World, folder: Path) -> None:
        """Write into *folder*."""
        self._world, self._log = world, folder / "calls"
        self._points: dict[str, list[tuple[str, int]]] = {}

    def points(self, operation: str) -> list[tuple[str, int]]:
        """Return the mutating system calls of an undisturbed operation: their names, and their numbers in their thread.

        Files that are opened to be read are left out.
        """
        if operation not in self._points:
            with self._world.copy() as copy:
                assert self.run(copy, operation, "--trace", MUTATING).error is None
            made: Counter[tuple[str, str]] = Counter()
            points = set()
            for line in self._log.read_text().splitlines():
                if found := _CALL.match(line):
                    thread, name = found[1], found[2]
                    made[thread, name] += 1
                    if name != "openat" or "O_CREAT" in line:
                        points.add((name, made[thread, name]))
            self._points[operation] = sorted(points)
        return self._points[operation]

    def run(self, copy: Copy, operation: str, *options: str) -> Outcome:
        """Do an operation under strace with *options*."""
        workers = self._world.workers
        task = self._world.begin(copy, operation, held=True)
        pid = workers.stopped(task)
        assert pid is not None
        command = ["strace", "--follow-forks", f"--output={self._log}", f"--attach={pid}", *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            _wait_until_attached(tracer, pid)
            os.kill(pid, signal.SIGCONT)
            outcome = workers.ended(task)
            tracer.communicate()
        return outcome


def _wait_until_attached(tracer: subprocess.Popen[str], pid: int) -> None:
    stderr: IO[str] | None = tracer.stderr
    assert stderr is not None
    said = stderr.readline()
    if "attached" not in said:
        os.kill(pid, signal.SIGKILL)
        pytest.skip(f"strace may not trace a process here: {said.strip()}")


@pytest.fixture(scope="session")
def strace(world: World) -> Iterator[Strace]:
    """What kills a process at a system call, or lets one fail."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (apt-get install strace)")
    with TemporaryDirectory(prefix="perennial-") as folder:
        yield Strace(world, Path(folder))
