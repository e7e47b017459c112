"""Short addresses that lead to a model's page: its name, and the DAG in whose pages Airflow shows it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import RedirectResponse, Response

from perennial.core.receipts import ALL
from perennial.web.access import Request
from perennial.web.asking import Asked, Asker, Reading, reading
from perennial.web.dags import model_of
from perennial.web.reading.scope import segments_of
from perennial.web.render import urls_of

pages, _models, _dags = APIRouter(), APIRouter(prefix="/models/{model}"), APIRouter(prefix="/dags/{dag}")


def of_dag(request: Request, dag: str, asker: Asker) -> Asked:
    """Return the model that a DAG is of, where the person may read it.

    Raises:
        HTTPException: 403, 404.
    """
    found = model_of(dag)
    if found is None:
        raise HTTPException(404, "This DAG belongs to no model of Perennial.")
    return reading(request, found, asker)


@_models.get("")
def model(request: Request, asked: Reading) -> Response:
    """Lead to the model's first segment."""
    return _first(request, asked)


@_dags.get("")
def dag(request: Request, asked: Annotated[Asked, Depends(of_dag)]) -> Response:
    """Lead from a DAG to its model."""
    return _first(request, asked)


def _first(request: Request, asked: Asked) -> Response:
    segments = segments_of(asked.site, asked.model)
    return RedirectResponse(urls_of(request).model(asked.model, segments[0] if segments else ALL), 303)


pages.include_router(_models)
pages.include_router(_dags)
