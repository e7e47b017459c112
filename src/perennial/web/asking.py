"""What each request must show before a page is made: a person, the right to read the model, and for a deed the will to do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException

from perennial.core.errors import DefinitionError
from perennial.core.names import name as checked_name
from perennial.web.access import Deed, Person, Request, means_it
from perennial.web.site import Site

SCOPE = "/models/{model}/{segment}"
"""How the path of every page about a model begins."""

MOST_BODY = 16_384
MOST_REASON = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what: the model and the segment that a page is about."""

    site: Site
    person: Person
    model: str
    segment: str


@dataclass(frozen=True, slots=True)
class Deeds:
    """A deed that is meant and allowed, with its reason and what else was said."""

    asked: Asked
    reason: str
    said: Mapping[str, str]
    plain: bool
    """Whether a program asks, which reads JSON."""


def site_of(request: Request) -> Site:
    """Return what the application of *request* may reach."""
    site: Site = request.app.state.site
    return site


async def person(request: Request) -> Person:
    """Return who asks.

    Raises:
        HTTPException: 401.
    """
    return await site_of(request).access.person(request)


Asker = Annotated[Person, Depends(person)]


def reading(request: Request, model: str, asker: Asker, segment: str = "all") -> Asked:
    """Return what is asked for, of a model that the person may read, whether there is one or not.

    Raises:
        HTTPException: 403; 404, that is no name.
    """
    site = site_of(request)
    try:
        named, part = checked_name(model, "model"), checked_name(segment, "segment")
    except DefinitionError:
        raise HTTPException(404, "There is no such model.") from None
    if not site.access.may(asker, Deed.READ, named):
        raise HTTPException(403, "You may not read this model.")
    return Asked(site, asker, named, part)


Reading = Annotated[Asked, Depends(reading)]


async def body(request: Request) -> Mapping[str, str]:
    """Return the fields of a form, or of a JSON object, as texts.

    Raises:
        HTTPException: 413, 422.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY:
            raise HTTPException(413, "The request is too large.")
    try:
        if _is_json(request):
            found = json.loads(content)
            return {str(key): _text(value) for key, value in dict(found).items()}
        return dict(parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=20))
    except (ValueError, TypeError, RecursionError):
        raise HTTPException(422, "The request cannot be read.") from None


def acting(deed: Deed) -> Callable[..., Deeds]:
    """Return the dependency of a route that does *deed*."""

    def act(request: Request, asked: Reading, said: Annotated[Mapping[str, str], Depends(body)]) -> Deeds:
        if not means_it(request, asked.site.hosts):
            raise HTTPException(403, "The request does not come from these pages.")
        if not asked.site.access.may(asked.person, deed, asked.model):
            raise HTTPException(403, f"You may not {deed} this model.")
        reason = said.get("reason", "").strip()
        if not reason or len(reason) > MOST_REASON or not reason.isprintable():
            raise HTTPException(422, f"A reason is needed, of one line and at most {MOST_REASON} characters.")
        return Deeds(asked, reason, said, _is_json(request))

    return act


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _text(value: object) -> str:
    """Return a JSON value as a form would say it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
