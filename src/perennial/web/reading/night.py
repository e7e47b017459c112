"""Reads one night."""

from __future__ import annotations

from datetime import timedelta

from fastapi import HTTPException

from perennial.core.errors import ArtifactError
from perennial.core.interval import Interval
from perennial.core.receipts import RetrainRequest
from perennial.definition.models import Definition
from perennial.steps.checking.refusals import Refusals, refusals
from perennial.steps.explain import explain
from perennial.web.asking import Asked
from perennial.web.dags import score_dag
from perennial.web.reading.scope import read_moment
from perennial.web.views.night import NightView


def read_night(asked: Asked, at: str | None) -> NightView:
    """Return the night that starts at the moment *at*, or the newest one that was decided, as of a moment ago where others look.

    Raises:
        HTTPException: 404, no night that starts then was decided.
    """
    site, standing = asked.site, asked.site.health().standing(asked.model, asked.segment)
    newest = standing.decision, standing.request, standing.request_state  # what becomes of these shows at once
    key = (asked.model, asked.segment, at, *newest)
    return site.told.get(key, site.now(), site.lately, lambda: _told(asked, at))


def _told(asked: Asked, at: str | None) -> NightView:
    stores, definition = asked.site.stores(), definition_of(asked)
    night = None if at is None else _night(asked, at)
    found = explain(definition, night, asked.segment, stores)
    refused, remark = _refused(asked, definition, found.decision.interval)
    request = stores.ledger.get(RetrainRequest, found.asked.request) if found.asked else None
    return NightView(
        explanation=found,
        refused=refused,
        remark=remark,
        run=asked.site.scheduler.run_of(score_dag(asked.model), found.decision.interval),
        retrain_run=request.claimed_by if request else None,
    )


def definition_of(asked: Asked) -> Definition:
    """Return the definition of the model that is asked for.

    Raises:
        HTTPException: 404, 409.
    """
    found = asked.site.definitions.get(asked.model)
    if found is None:
        known = asked.model in asked.site.definitions.names()
        said = (
            "The model's definition is broken; Airflow shows why as an import error." if known else "There is no such definition."
        )
        raise HTTPException(409 if known else 404, said)
    return found


def _night(asked: Asked, at: str) -> Interval:
    start = read_moment(at)
    found = asked.site.health().nights(asked.model, asked.segment, Interval(start, start + timedelta.resolution))
    if not found:
        raise HTTPException(404, "No night that starts then was decided.")
    return found[-1].interval


def _refused(asked: Asked, definition: Definition, night: Interval) -> tuple[Refusals | None, str | None]:
    try:
        return refusals(definition, night, asked.segment, asked.site.stores()), None
    except ArtifactError as error:
        return None, f"What was refused cannot be read any more: {error}"
