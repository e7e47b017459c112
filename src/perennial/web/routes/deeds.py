"""What changes something: POST, from our own pages or with a token, with the right to it and a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from perennial.web import deeds
from perennial.web.access import Deed, Request
from perennial.web.asking import SCOPE, Deeds, acting
from perennial.web.render import render

pages = APIRouter(prefix=SCOPE)


@pages.post("/retrain")
def retrain(request: Request, deed: Annotated[Deeds, Depends(acting(Deed.RETRAIN))]) -> Response:
    """File a request for a retraining."""
    return _done(request, deed, deeds.retrain)


@pages.post("/answer")
def answer(request: Request, deed: Annotated[Deeds, Depends(acting(Deed.ANSWER))]) -> Response:
    """Approve or reject the challenger that waits."""
    return _done(request, deed, deeds.answer)


@pages.post("/rollback")
def rollback(request: Request, deed: Annotated[Deeds, Depends(acting(Deed.ROLL_BACK))]) -> Response:
    """Make an earlier champion champion again."""
    return _done(request, deed, deeds.roll_back)


@pages.post("/pause")
def pause(request: Request, deed: Annotated[Deeds, Depends(acting(Deed.PAUSE))]) -> Response:
    """Pause the model, or let it run again."""
    return _done(request, deed, deeds.pause)


def _done(request: Request, deed: Deeds, do: Callable[[Deeds], deeds.Done]) -> Response:
    done = do(deed)
    if deed.plain:
        return JSONResponse(done.model_dump(mode="json"))
    return render(request, "done.html", asked=deed.asked, done=done, tab=None)
