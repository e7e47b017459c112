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
from perennial.web.views.fleet import Fleet, FleetQuery

pages, data = APIRouter(), APIRouter()
InAddress = Annotated[FleetQuery, Query()]


@pages.get("/", response_class=HTMLResponse)
def fleet(request: Request, asker: Asker, asked: InAddress) -> Response:
    """Show every model and segment that the person may read."""
    found, sketches = read_fleet(site_of(request), asker, asked)
    return render(request, "fleet.html", fleet=found, sketches=sketches, asked=asked)


@pages.get("/fleet.csv")
def fleet_csv(request: Request, asker: Asker, asked: InAddress) -> Response:
    """Hand out the same as CSV, all of it on one page."""
    found, _ = read_fleet(site_of(request), asker, asked, whole=True)
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
def fleet_data(request: Request, asker: Asker, asked: InAddress) -> Fleet:
    """Return how every model and segment stands that you may read, a page of 50 at a time."""
    return read_fleet(site_of(request), asker, asked)[0]
