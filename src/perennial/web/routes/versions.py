"""The versions of a model and segment, two side by side, one with its card, and the record of promotions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from markupsafe import Markup

from perennial.core.receipts import Promotion
from perennial.web.access import Request
from perennial.web.asking import SCOPE, Asked, Reading
from perennial.web.csv import MOMENT, TEXT, WHOLE, csv
from perennial.web.plots.estimates import estimates_plot
from perennial.web.reading.night import definition_of
from perennial.web.reading.scope import standing_of, version_of
from perennial.web.reading.versions import read_beside, read_version, read_versions
from perennial.web.render import render
from perennial.web.views.judged import judged_rows
from perennial.web.views.versions import Beside, VersionRow

pages, data = APIRouter(prefix=SCOPE), APIRouter(prefix=SCOPE)
Chosen = Annotated[str | None, Query(max_length=200, description="The id of a version.")]
Named = Annotated[str, Query(max_length=200, description="The id of a version.")]


@pages.get("/versions", response_class=HTMLResponse)
def versions(request: Request, asked: Reading, one: Chosen = None, other: Chosen = None) -> Response:
    """Show all versions; where two are named, these side by side."""
    if one and other:
        return render(request, "beside.html", asked=asked, found=read_beside(asked, one, other), tab="versions")
    rows = read_versions(asked)
    names = _metrics(asked, rows)
    return render(request, "versions.html", asked=asked, rows=rows, names=names, one=one, tab="versions")


@pages.get("/versions/{version}", response_class=HTMLResponse)
def version(request: Request, asked: Reading, version: str) -> Response:
    """Show one version: what it was made of, how it was judged, when it was champion."""
    found = read_version(asked, version)
    plot = _plot(asked, found, alone=False)
    return render(request, "version.html", asked=asked, found=found, plot=plot, promotions=_promotions(asked), tab="versions")


@pages.get("/versions/{version}/figure.svg")
def figure_file(asked: Reading, version: str) -> Response:
    """Hand out how a version was judged as a picture: the figure that decides, with intervals, also by slice."""
    plot = _plot(asked, read_version(asked, version), alone=True)
    if not plot:
        raise HTTPException(404, "This version has no figure that could be shown.")
    return Response(plot, media_type="image/svg+xml")


@pages.get("/versions/{version}/card.md")
def card_file(asked: Reading, version: str) -> Response:
    """Hand out the model card of a version, in Markdown."""
    from perennial.steps.card import card  # noqa: PLC0415 - heavy, and seldom asked for

    made = version_of(asked, version)
    text = card(definition_of(asked), asked.site.stores(), made.id).markdown()
    return PlainTextResponse(text, media_type="text/plain; charset=utf-8")


@pages.get("/promotions", response_class=HTMLResponse)
def promotions(request: Request, asked: Reading) -> Response:
    """Show the record of promotions, the newest first."""
    standing_of(asked)
    return render(request, "promotions.html", asked=asked, rows=_promotions(asked)[::-1], tab="promotions")


@pages.get("/promotions.csv")
def promotions_csv(asked: Reading) -> Response:
    """Hand out the record of promotions as CSV."""
    standing_of(asked)
    columns = {
        "epoch": WHOLE, "kind": TEXT, "version": TEXT, "effective_from": MOMENT, "reason": TEXT, "actor": TEXT, "evaluation": TEXT,
        "approval": TEXT,
    }  # fmt: skip
    rows = (tuple(getattr(row, name) for name in columns) for row in _promotions(asked))
    return csv(f"{asked.model}-{asked.segment}-promotions", columns, rows)


@data.get("/versions", summary="All versions, the newest first")
def versions_data(asked: Reading) -> list[VersionRow]:
    """Return every version with its last evaluation, its epochs, and people's answers."""
    return read_versions(asked)


@data.get("/versions/{version}", summary="One version")
def version_data(asked: Reading, version: str) -> VersionRow:
    """Return one version with its last evaluation, its epochs, and people's answers."""
    return read_version(asked, version)


@data.get("/beside", summary="Two versions side by side")
def beside_data(asked: Reading, one: Named, other: Named) -> Beside:
    """Return two versions as they were recorded: figures, gates, importance."""
    return read_beside(asked, one, other)


@data.get("/promotions", summary="The record of promotions")
def promotions_data(asked: Reading) -> list[Promotion]:
    """Return every row of the append-only record of who became champion."""
    standing_of(asked)
    return _promotions(asked)


def _promotions(asked: Asked) -> list[Promotion]:
    return asked.site.stores().ledger.history(Promotion, asked.model, asked.segment)


def _metrics(asked: Asked, rows: list[VersionRow]) -> list[str]:
    """Return the names of the figures, the one that decides first."""
    decides = _decides(asked)
    names = next((row.metrics for row in rows if row.metrics), {})
    return sorted(names, key=lambda name: (name != decides, name))


def _decides(asked: Asked) -> str:
    """Return the name of the figure that decides; nothing without a definition."""
    definition = asked.site.definitions.get(asked.model)
    return definition.evaluation.figure(definition.evaluation.metric) if definition else ""


def _plot(asked: Asked, row: VersionRow, *, alone: bool) -> Markup:
    name = _decides(asked)
    return estimates_plot(name, judged_rows(row.evaluation, name), alone=alone) if row.evaluation else Markup("")
