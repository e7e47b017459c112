"""One model and segment, and its nights as JSON and CSV."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from perennial.core.receipts import Promotion
from perennial.web.access import Request
from perennial.web.asking import SCOPE, Asked, Reading
from perennial.web.csv import FIGURE, MOMENT, TEXT, WHOLE, csv
from perennial.web.dags import retrain_dag, score_dag
from perennial.web.plots.timeline import timeline_plot
from perennial.web.reading.model import read_overview, read_timeline
from perennial.web.reading.scope import DAYS, standing_of, window
from perennial.web.render import render, urls_of
from perennial.web.views.model import Overview
from perennial.web.views.timeline import Timeline

pages, data = APIRouter(prefix=SCOPE), APIRouter(prefix=SCOPE)
Days = Annotated[int, Query(ge=7, le=1100, description="How many days before the end.")]
Until = Annotated[str | None, Query(max_length=40, description="The end; by default that of the last night that was decided.")]


@pages.get("", response_class=HTMLResponse)
def overview(request: Request, asked: Reading, days: Days = DAYS, until: Until = None) -> Response:
    """Show how the model and segment stand, and their nights."""
    found = read_overview(asked, days, until)

    nights = urls_of(request).model(asked.model, asked.segment, "night")
    plot = timeline_plot(found.timeline, f"{nights}?at=") if found.timeline else None
    dags = {"score": score_dag(asked.model), "retrain": retrain_dag(asked.model)}
    return render(request, "model.html", asked=asked, found=found, plot=plot, days=days, until=until, dags=dags, tab="overview")


@pages.get("/nights.csv")
def nights_csv(asked: Reading, days: Days = 1100, until: Until = None) -> Response:
    """Hand out the nights as CSV."""
    columns = {
        "night_start": MOMENT, "night_end": MOMENT, "action": TEXT, "rule": TEXT, "sentence": TEXT, "verdict": TEXT, "rows": WHOLE,
        "quarantined": WHOLE, "version": TEXT, "predicted": WHOLE, "labelled": WHOLE, "loss": FIGURE, "loss_low": FIGURE,
        "loss_high": FIGURE, "baseline": FIGURE, "decision": TEXT, "request": TEXT,
    }  # fmt: skip
    found = _nights(asked, days, until)
    rows = (
        (
            one.interval.start, one.interval.end, one.action, one.rule, one.sentence, one.verdict, one.rows, one.quarantined,
            one.version, one.predicted, one.labelled, one.loss, one.low,
            one.high, one.baseline, one.decision, one.request,
        )
        for one in (found.nights if found else ())
    )  # fmt: skip
    return csv(f"{asked.model}-{asked.segment}-nights", columns, rows)


@data.get("", summary="One model and segment")
def overview_data(asked: Reading, days: Days = DAYS, until: Until = None) -> Overview:
    """Return how the model and segment stand, and their nights."""
    return read_overview(asked, days, until)


@data.get("/timeline", summary="The nights of a model and segment")
def timeline_data(asked: Reading, days: Days = DAYS, until: Until = None) -> Timeline | None:
    """Return the nights with decisions and losses, the promotions and the requests; null where no night was decided."""
    return _nights(asked, days, until)


def _nights(asked: Asked, days: int, until: str | None) -> Timeline | None:
    standing_of(asked)
    within = window(asked, days, until)
    if within is None:
        return None
    promotions = asked.site.stores().ledger.history(Promotion, asked.model, asked.segment)
    return read_timeline(asked, within, promotions, asked.site.definitions.get(asked.model))
