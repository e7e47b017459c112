"""A connection that breaks after a commit and before its answer: nobody can say what happened, and trying again is safe."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pyarrow as pa
import pytest

from perennial.core.errors import UnavailableError
from perennial.core.receipts import BatchState
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import Story, night, predictions

SOCKET = ".s.PGSQL.5432"


class Relay:
    """Stands between a client and the server, and breaks the connection when the commit that it was told has been answered."""

    def __init__(self, folder: Path, server: Path) -> None:
        """Listen in *folder* for who wants the server whose socket is in *server*."""
        self.commits_left = -1
        self._server = server / SOCKET
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                Thread(target=self._there, args=(client, server), daemon=True).start()
                Thread(target=self._back, args=(server, client), daemon=True).start()

    def _there(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while content := client.recv(65536):
                self.commits_left -= content.count(b"COMMIT")
                server.sendall(content)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while content := server.recv(65536):
                if self.commits_left == 0 and b"COMMIT" in content:
                    break
                client.sendall(content)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(postgres: EmbeddedPostgres) -> Iterator[tuple[Relay, Path]]:
    """A relay, and the folder of its socket."""
    with TemporaryDirectory(prefix="relay-") as folder:
        made = Relay(Path(folder), postgres.socket_folder)
        yield made, Path(folder)
        made.close()


@pytest.mark.parametrize("commit", [1, 2], ids=["of the rows", "of the state"])
def test_promise_4_a_commit_whose_answer_is_lost_is_neither_lost_nor_done_twice(
    postgres_ledger: PostgresLedger, relay: tuple[Relay, Path], story: Story, commit: int
) -> None:
    """The writer is told that it cannot be known; the next attempt finds the rows, and does not read the predictions again."""
    story.keep_champion(postgres_ledger)
    story.keep_night(postgres_ledger, 0)
    with postgres_ledger._writing_to([night(0).start]):
        pass  # the month is there: of the commits to come, the first is that of the rows
    between, folder = relay
    broken = PostgresLedger.open(str(postgres_ledger.engine.url.set(query={"host": str(folder)})))
    broken.champion(story.model)
    between.commits_left = commit
    with pytest.raises(UnavailableError):
        broken.publish(story.batch(0), predictions(night(0)))
    broken.close()
    assert between.commits_left == 0
    assert postgres_ledger.predictions(story.model, within=night(0)).num_rows == (0 if commit == 1 else 48)

    def unread() -> Iterator[pa.RecordBatch]:
        raise AssertionError
        yield

    assert postgres_ledger.publish(story.batch(0), unread()) == story.batch(0)
    assert postgres_ledger.predictions(story.model, within=night(0)).num_rows == 48
    (found,) = postgres_ledger.trace(story.model, "all", "north", night(0).start)
    assert found.state is BatchState.CURRENT
