"""The pages of model health inside Airflow's API server. What they need is imported and opened by the first who asks for one.

Every process of Airflow loads its plugins, but only the API server serves pages. And a ledger that does not answer must not keep
that from starting.
"""

from __future__ import annotations

import atexit
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from typing import Any, Generic, TypeVar

import anyio.to_thread

from perennial import wiring
from perennial.orchestration.own_api import SERVER

T = TypeVar("T")
Message = MutableMapping[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
"""What an ASGI server calls."""


class Opened(Generic[T]):
    """Opens something once, for all threads, when it is first asked for; where that fails, the next who asks tries again."""

    def __init__(self, open_it: Callable[[], AbstractContextManager[T]], stack: ExitStack) -> None:
        """Remember how to open it, and with what it is closed."""
        self._open, self._stack, self._lock = open_it, stack, Lock()
        self._found: list[T] = []

    def __call__(self) -> T:
        """Return it."""
        with self._lock:
            if not self._found:
                self._found.append(self._stack.enter_context(self._open()))
            return self._found[0]


class HealthPages:
    """The application, made at its first request."""

    def __init__(self) -> None:
        """Make nothing yet."""
        self._app: Application | None = None
        self._lock = Lock()

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer one request."""
        app = await anyio.to_thread.run_sync(self._made) if self._app is None else self._app
        await app({**scope, SERVER: scope.get("app")}, receive, send)

    def _made(self) -> Application:
        with self._lock:
            if self._app is None:
                self._app = _app()
            return self._app


def _app() -> Application:
    from urllib.parse import urlsplit  # noqa: PLC0415 - as the next

    from airflow.configuration import conf  # noqa: PLC0415 - all of this is for the API server only

    from perennial.orchestration.connections import connection_url  # noqa: PLC0415
    from perennial.orchestration.health_access import AirflowAccess  # noqa: PLC0415
    from perennial.orchestration.health_scheduler import AirflowScheduler  # noqa: PLC0415
    from perennial.web.app import create_app  # noqa: PLC0415
    from perennial.web.known import Known  # noqa: PLC0415
    from perennial.web.site import Site  # noqa: PLC0415

    stack = ExitStack()
    atexit.register(stack.close)
    site = Site(
        health=Opened(wiring.open_health, stack),
        stores=Opened(lambda: wiring.open_stores(connections=connection_url), stack),
        definitions=Known(wiring.definitions_folder()),
        scheduler=AirflowScheduler(),
        access=AirflowAccess(),
        now=wiring.now,
        hosts=frozenset({urlsplit(conf.get("api", "base_url", fallback="")).netloc}),
    )
    return create_app(site)
