"""The nights of a model and segment: a list, one night, and what moved in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from perennial.web.access import Request
from perennial.web.asking import SCOPE, Reading
from perennial.web.dags import retrain_dag, score_dag
from perennial.web.plots.histogram import histogram_plot
from perennial.web.reading.drift import read_drift
from perennial.web.reading.night import read_night
from perennial.web.reading.nights import read_nights
from perennial.web.render import render
from perennial.web.views.drift import DriftView
from perennial.web.views.night import NightView
from perennial.web.views.nights import Nights

pages, data = APIRouter(prefix=SCOPE), APIRouter(prefix=SCOPE)
At = Annotated[str | None, Query(max_length=40, description="When the night starts; by default the newest one.")]
Until = Annotated[str | None, Query(max_length=40, description="Nights before this moment; by default the newest ones.")]
PLOTS = 24
"""Columns that are drawn; the others stand in the table."""


@pages.get("/nights", response_class=HTMLResponse)
def nights(request: Request, asked: Reading, until: Until = None) -> Response:
    """Show a page of nights, the newest first."""
    return render(request, "nights.html", asked=asked, found=read_nights(asked, until), tab="nights")


@pages.get("/night", response_class=HTMLResponse)
def night(request: Request, asked: Reading, at: At = None) -> Response:
    """Show what was decided about one night, and why."""
    dags = {"score": score_dag(asked.model), "retrain": retrain_dag(asked.model)}
    return render(request, "night.html", asked=asked, found=read_night(asked, at), dags=dags, tab="nights")


@pages.get("/drift", response_class=HTMLResponse)
def drift(request: Request, asked: Reading, at: At = None) -> Response:
    """Show what moved in one night, the worst first."""
    found = read_drift(asked, at)
    drawn = [one for one in found.columns if one.bins][:PLOTS] if found else []
    plots = {one.drift.column: histogram_plot(one.drift.column, one.bins) for one in drawn}
    return render(request, "drift.html", asked=asked, found=found, plots=plots, tab="drift")


@data.get("/nights", summary="Nights, the newest first")
def nights_data(asked: Reading, until: Until = None) -> Nights:
    """Return the nights of 60 days with what was decided and measured."""
    return read_nights(asked, until)


@data.get("/night", summary="One night")
def night_data(asked: Reading, at: At = None) -> NightView:
    """Return a night's decision, its signals, what would have changed it, what was refused, and what became of its request."""
    return read_night(asked, at)


@data.get("/drift", summary="What moved in a night")
def drift_data(asked: Reading, at: At = None) -> DriftView | None:
    """Return every column beside the champion's reference, over the same bins; null where no night was measured."""
    return read_drift(asked, at)
