"""What goes wrong, as a page for a person and as JSON for a program. Never a trace, a value of a row, or a secret."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError, ConflictError, DataError, PerennialError, TransientError
from perennial.web.access import Request
from perennial.web.render import render

_log = logging.getLogger(__name__)
_WORDS = {
    401: "You are not logged in",
    403: "You may not do that",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "It was refused",
    410: "It is not there any more",
    413: "That is too large",
    422: "Something is missing",
    503: "The ledger does not answer",
}


def handle_faults(app: FastAPI) -> None:
    """Make *app* answer every fault in words."""
    app.add_exception_handler(AnyHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(PerennialError, _failed)


def status_of(error: PerennialError) -> int:
    """Return the status of HTTP that says what kind of fault *error* is."""
    if isinstance(error, TransientError):
        return 503
    if error.code is Code.MODEL_UNKNOWN:
        return 404
    if isinstance(error, ArtifactError):
        return 410
    return 422 if isinstance(error, DataError) and not isinstance(error, ConflictError) else 409


def answer(request: Request, status: int, said: str, fix: str = "", headers: dict[str, str] | None = None) -> Response:
    """Return what went wrong, in the form that *request* reads."""
    if _plain(request):
        found: Response = JSONResponse({"detail": said, "fix": fix}, status, headers)
    else:
        found = render(request, "fault.html", status=status, title=_WORDS.get(status, "It did not work"), said=said, fix=fix)
        found.headers.update(headers or {})
    return found


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)  # what it is registered for
    return answer(request, error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # what it is registered for
    named = ", ".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
    return answer(request, 422, f"This cannot be read: {named}.")


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, PerennialError)  # what it is registered for
    status = status_of(error)
    _log.log(logging.ERROR if status >= 500 else logging.INFO, "%s: %s", request.url.path, error)  # noqa: PLR2004 - HTTP's border
    return answer(request, status, str(error), error.fix)


def _plain(request: Request) -> bool:
    path = str(request.scope.get("path", "")).removeprefix(str(request.scope.get("root_path", "")))
    return path.startswith("/api") or request.headers.get("content-type", "").startswith("application/json")
