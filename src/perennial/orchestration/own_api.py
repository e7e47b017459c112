"""Airflow's own REST API, asked from inside its API server in a person's name, with that person's rights and into its audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import anyio.from_thread

SERVER = "perennial.server"
"""Where a request of the pages says which application serves it."""
_FAILED = 400


@dataclass(frozen=True, slots=True)
class Login:
    """A person as Airflow knows it: its own record of the user, the token that was sent, and the server's application."""

    user: Any
    token: str = field(repr=False)
    server: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    content: Any

    @property
    def failed(self) -> bool:
        """Whether it refused."""
        return self.status >= _FAILED

    @property
    def detail(self) -> str:
        """What it said about that."""
        said = self.content.get("detail") if isinstance(self.content, dict) else None
        return str(said)[:500]


def ask(login: Login, method: str, path: str, body: Mapping[str, object]) -> Answer:
    """Send one request to *path*, quoted and below ``/api/v2``, to the server that this thread works for, and return its answer.

    Nothing leaves the process, so it makes no difference by what address people reach the server.
    """
    status, content = anyio.from_thread.run(_ask, login, method, f"/api/v2{path}", json.dumps(dict(body)).encode())
    return Answer(status, json.loads(content) if content else None)


async def _ask(login: Login, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await login.server(_scope(login, method, path), receive, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    return status, b"".join(message.get("body", b"") for message in sent)


def _scope(login: Login, method: str, path: str) -> dict[str, Any]:
    headers = {"host": "localhost", "authorization": f"Bearer {login.token}", "content-type": "application/json"}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),  # as ASGI has it
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 0),
    }
