"""The first page: every model and segment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from perennial.web.access import Request
from perennial.web.asking import Asker, site_of
from perennial.web.csv import FIGURE, MOMENT, TEXT, WHOLE, csv
from perennial.web.reading.fleet import read_fleet
from perennial.web.render import render
from perennial.web.views.fleet import Fleet, Order, Show

pages, data = APIRouter(), APIRouter()
Sought = Annotated[
    str, Query(alias="q", max_length=200, description="Words that must stand in a model's name, champion or decision.")
]
Page = Annotated[int, Query(ge=1, le=1000)]


@pages.get("/", response_class=HTMLResponse)
def fleet(
    request: Request,
    asker: Asker,
    sought: Sought = "",
    show: Show = Show.ALL,
    order: Order = Order.MODEL,
    down: bool = False,
    page: Page = 1,
) -> Response:
    """Show every model and segment that the person may read."""
    found, sketches = read_fleet(site_of(request), asker, sought=sought, show=show, order=order, down=down, page=page)
    return render(request, "fleet.html", fleet=found, sketches=sketches, sought=sought, show=show, order=order, down=down)


@pages.get("/fleet.csv")
def fleet_csv(request: Request, asker: Asker, sought: Sought = "", show: Show = Show.ALL) -> Response:
    """Hand out the same as CSV, all of it."""
    found, _ = read_fleet(site_of(request), asker, sought=sought, show=show, page=0)
    columns = {
        "model": TEXT, "segment": TEXT, "champion": TEXT, "epoch": WHOLE, "champion_since": MOMENT, "night_start": MOMENT,
        "night_end": MOMENT, "action": TEXT, "sentence": TEXT, "loss": FIGURE, "baseline": FIGURE, "drift": FIGURE,
        "drifted": TEXT, "request": TEXT, "waits": TEXT, "paused": TEXT, "next_run": MOMENT,
    }  # fmt: skip
    rows = (
        (
            one.standing.model, one.standing.segment, one.standing.version, one.standing.epoch, one.standing.since,
            one.standing.night.start if one.standing.night else None, one.standing.night.end if one.standing.night else None,
            one.standing.action, one.standing.sentence, one.loss, one.baseline, one.standing.drift, one.standing.drifted,
            one.standing.request, one.standing.waits, None if one.paused is None else str(one.paused).lower(), one.next_run,
        )
        for one in found.rows
    )  # fmt: skip
    return csv("fleet", columns, rows)


@data.get("/fleet", summary="Every model and segment")
def fleet_data(
    request: Request,
    asker: Asker,
    sought: Sought = "",
    show: Show = Show.ALL,
    order: Order = Order.MODEL,
    down: bool = False,
    page: Page = 1,
) -> Fleet:
    """Return how every model and segment stands that you may read, a page of 50 at a time."""
    return read_fleet(site_of(request), asker, sought=sought, show=show, order=order, down=down, page=page)[0]
