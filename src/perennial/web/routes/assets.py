"""The style sheet, the script and the icons."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from perennial.core.digest import digest_bytes
from perennial.web.access import Request

pages = APIRouter()
_KINDS = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "icon_dark.svg": "image/svg+xml",
}


@pages.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:
    """Hand out one of the files; a browser that has it already is told so."""
    if name not in _KINDS:
        raise HTTPException(404, "There is no such file.")
    content, tag = _read(name)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_KINDS[name], headers=headers)


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = files("perennial.web").joinpath("assets", name).read_bytes()
    return content, f'"{digest_bytes(content)[:32]}"'
