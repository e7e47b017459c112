"""Who asks, what they may do, and whether they mean it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request

__all__ = ["Access", "Deed", "Person", "Request", "means_it"]


class Deed(StrEnum):
    """What a person may do with a model."""

    READ = "read"
    RETRAIN = "retrain"
    ANSWER = "answer"
    ROLL_BACK = "roll back"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the name that the ledger keeps, what whoever knows persons makes of them, and the id by which it knows them."""

    name: str
    user: Any = field(default=None, repr=False)
    id: str | None = None


class Access(Protocol):
    """Knows persons and what they may do."""

    async def person(self, request: Request) -> Person:
        """Return who sends *request*.

        Raises:
            HTTPException: 401, nobody who is logged in.
        """
        ...

    def may(self, person: Person, deed: Deed, model: str) -> bool:
        """Return whether *person* may do that with *model*, whether or not there is such a model."""
        ...

    def readable(self, person: Person, models: Collection[str]) -> set[str]:
        """Return those of *models* that *person* may read."""
        ...


def means_it(request: Request, hosts: Collection[str]) -> bool:
    """Return whether a request that changes something comes from our own pages, or from a program with a token of its own.

    A browser says where a request comes from, and sends cookies along from anywhere. A token in a header is only sent on purpose.

    Args:
        request: What was sent.
        hosts: Where the pages are served, beside the request's own ``Host``.

    References:
        OWASP, Cross-Site Request Forgery Prevention, verifying origin with standard headers.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("authorization", "").lower().startswith("bearer ")
    return bool(origin) and urlsplit(origin).netloc in {request.headers.get("host", ""), *hosts} - {""}
