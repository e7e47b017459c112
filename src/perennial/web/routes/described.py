"""The JSON API in words: for people as a page, for programs as OpenAPI. Like all else, behind the login."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from perennial.web.access import Request
from perennial.web.asking import Asker
from perennial.web.render import render

pages, data = APIRouter(), APIRouter()


@pages.get("/api", response_class=HTMLResponse)
def described(request: Request, asker: Asker) -> Response:
    """List what can be asked for."""
    paths = request.app.openapi()["paths"]
    rows = [(path, about["get"]) for path, about in sorted(paths.items()) if "get" in about]
    return render(request, "api.html", rows=rows, asker=asker)


@data.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> dict[str, Any]:
    """Return the description of the API."""
    found: dict[str, Any] = request.app.openapi()
    return found
