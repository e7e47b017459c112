"""The look-up of an entity: its predictions, where each comes from, and the label when it came."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, Response

from perennial.core.receipts import Lineage
from perennial.web.access import Request
from perennial.web.asking import SCOPE, Reading
from perennial.web.csv import FIGURE, MOMENT, TEXT, WHOLE, csv
from perennial.web.plots.entity import entity_plot
from perennial.web.reading.predictions import MOST_EXPORTED, read_predictions
from perennial.web.reading.scope import read_moment, standing_of
from perennial.web.render import render
from perennial.web.views.predictions import Predictions

pages, data = APIRouter(prefix=SCOPE), APIRouter(prefix=SCOPE)
Entity = Annotated[str, Query(max_length=2000, description="The entity, as it stands in the table of predictions.")]
When = Annotated[str | None, Query(max_length=40)]
Start = Annotated[str | None, Query(alias="from", max_length=40, description="The first moment.")]


@pages.get("/predictions", response_class=HTMLResponse)
def predictions(request: Request, asked: Reading, entity: Entity = "", start: Start = None, until: When = None) -> Response:
    """Show what was predicted for an entity."""
    standing_of(asked)
    found = read_predictions(asked, entity, start, until) if entity else None
    names = [] if entity else asked.site.health().entities(asked.model, asked.segment)
    plot = entity_plot(found) if found else None
    return render(
        request, "predictions.html", asked=asked, found=found, plot=plot, names=names, entity=entity, start=start, until=until,
        tab="predictions",
    )  # fmt: skip


@pages.get("/prediction", response_class=HTMLResponse)
def prediction(request: Request, asked: Reading, entity: Entity, at: Annotated[str, Query(max_length=40)]) -> Response:
    """Show where the predictions of one entity and event come from, in all roles and states."""
    return render(
        request,
        "prediction.html",
        asked=asked,
        rows=_traced(asked, entity, at),
        entity=entity,
        at=read_moment(at),
        tab="predictions",
    )


@pages.get("/predictions.csv")
def predictions_csv(asked: Reading, entity: Entity, start: Start = None, until: When = None) -> Response:
    """Hand out what was predicted for an entity as CSV."""
    columns = {
        "entity": TEXT, "event_at": MOMENT, "prediction": FIGURE, "low": FIGURE, "high": FIGURE, "label": FIGURE,
        "label_at": MOMENT, "version": TEXT, "epoch": WHOLE, "batch": TEXT, "snapshot": TEXT, "validation": TEXT,
    }  # fmt: skip
    found = read_predictions(asked, entity, start, until, MOST_EXPORTED)
    names = list(columns)[1:]
    rows = ((entity, *(getattr(row, name) for name in names)) for row in (found.rows if found else ()))
    return csv(f"{asked.model}-{asked.segment}-predictions", columns, rows)


@data.get("/predictions", summary="The predictions of an entity")
def predictions_data(asked: Reading, entity: Entity, start: Start = None, until: When = None) -> Predictions | None:
    """Return the current predictions of an entity with their newest labels; null where no night was decided."""
    return read_predictions(asked, entity, start, until)


@data.get("/prediction", summary="Where one prediction comes from")
def prediction_data(asked: Reading, entity: Entity, at: Annotated[str, Query(max_length=40)]) -> list[Lineage]:
    """Return the lineage of the predictions of one entity and event, in all roles and states."""
    return _traced(asked, entity, at)


@data.get("/entities", summary="Names of entities")
def entities_data(asked: Reading, beginning: Annotated[str, Query(max_length=2000)] = "") -> list[str]:
    """Return at most 20 entities of the newest night whose names begin so."""
    standing_of(asked)
    return asked.site.health().entities(asked.model, asked.segment, beginning)


def _traced(asked: Reading, entity: str, at: str) -> list[Lineage]:
    found = asked.site.stores().ledger.trace(asked.model, asked.segment, entity, read_moment(at))
    if not found:
        raise HTTPException(404, "There is no prediction of this entity and moment.")
    return found
