"""The application: pages, JSON, CSV and deeds, each behind a login and the right to the model."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from perennial.web.asking import person
from perennial.web.faults import handle_faults
from perennial.web.headers import Headers
from perennial.web.render import environment
from perennial.web.routes import assets, deeds, described, fleet, leads, model, nights, predictions, versions
from perennial.web.site import Site

_PAGES = (described, fleet, nights, versions, predictions, model)


def create_app(site: Site) -> FastAPI:
    """Return the application over *site*. Without a login it answers nothing, its own descriptions and files included."""
    app = FastAPI(
        title="Perennial model health",
        description="What the pages of model health show, as JSON. The rights are those of the pages.",
        version="1",
        dependencies=[Depends(person)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.site, app.state.pages = site, environment()
    for room in _PAGES:
        app.include_router(room.pages, include_in_schema=False)
        app.include_router(room.data, prefix="/api")
    for room in (deeds, leads, assets):
        app.include_router(room.pages, include_in_schema=False)
    handle_faults(app)
    app.add_middleware(Headers)
    return app
