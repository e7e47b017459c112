"""A request to Airflow's own API reaches the server's application as if it had come over the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

from perennial.orchestration.own_api import Answer, Login, ask


async def told(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[dict[str, Any]], Any]) -> None:
    """Answer what was asked."""
    body = json.loads((await receive())["body"])
    heard = {
        "path": scope["path"],
        "raw": scope["raw_path"].decode(),
        "body": body,
        "login": dict(scope["headers"])[b"authorization"].decode(),
    }
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps({"detail": heard}).encode()})


def asked(path: str) -> Answer:
    """Ask from a thread of the server's, as a page does."""
    return anyio.run(anyio.to_thread.run_sync, partial(ask, Login(None, "token", told), "PATCH", path, {"is_paused": True}))


def test_a_path_is_quoted_in_the_raw_only() -> None:
    """A run that a person starts is called by a moment, with colons and a plus."""
    answer = asked("/dags/one/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00")
    assert (answer.status, answer.failed) == (404, True)
    assert answer.content["detail"] == {
        "path": "/api/v2/dags/one/dagRuns/manual__2026-01-01T00:00:00+00:00",
        "raw": "/api/v2/dags/one/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00",
        "body": {"is_paused": True},
        "login": "Bearer token",
    }
