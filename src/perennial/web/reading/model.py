"""Reads one model and segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Promotion, RetrainRequest
from perennial.definition.models import Definition
from perennial.web.asking import Asked
from perennial.web.dags import retrain_dag, score_dag
from perennial.web.reading.scope import segments_of, standing_of, window
from perennial.web.site import Flow, Site
from perennial.web.views.model import About, FlowState, Overview, RunState
from perennial.web.views.timeline import Timeline, timeline

RUNS = 5


def read_overview(asked: Asked, days: int, until: str | None) -> Overview:
    """Return everything that the page about a model and segment shows.

    Raises:
        HTTPException: 404, there is no such model and segment.
    """
    standing, ledger = standing_of(asked), asked.site.stores().ledger
    definition = asked.site.definitions.get(asked.model)
    within = window(asked, days, until)
    promotions = ledger.history(Promotion, asked.model, asked.segment)
    return Overview(
        standing=standing,
        about=_about(definition),
        segments=segments_of(asked.site, asked.model),
        timeline=None if within is None else read_timeline(asked, within, promotions, definition),
        flows=tuple(_flows(asked.site, asked.model)),
        waiting=ledger.get(Evaluation, standing.waits) if standing.waits and _asks(definition) else None,
        request=ledger.get(RetrainRequest, standing.request) if standing.request else None,
        former=_former(promotions),
    )


def read_timeline(asked: Asked, within: Interval, promotions: Sequence[Promotion], definition: Definition | None) -> Timeline:
    """Return the nights of *within* with all that happened there."""
    ledger, health = asked.site.stores().ledger, asked.site.health()
    return timeline(
        within,
        definition,
        nights=health.nights(asked.model, asked.segment, within),
        promotions=promotions,
        evaluations=ledger.history(Evaluation, asked.model, asked.segment),
        requests=ledger.history(RetrainRequest, asked.model, asked.segment, within=within),
    )


def _about(definition: Definition | None) -> About | None:
    return None if definition is None else About(
        title=definition.title,
        purpose=definition.purpose,
        owner=definition.owner,
        metric=definition.evaluation.figure(definition.evaluation.metric),
        approval=definition.publish.approval,
        budget=definition.monitoring.false_alarms_per_year,
    )  # fmt: skip


def _asks(definition: Definition | None) -> bool:
    """Return whether a challenger that passed waits for a person; one whose definition is broken may."""
    return definition is None or definition.publish.approval == "human"


def _flows(site: Site, model: str) -> Iterator[FlowState]:
    dags = (score_dag(model), retrain_dag(model))
    known: Mapping[str, Flow] = site.scheduler.flows(dags)
    for dag in dags:
        if dag in known:
            runs = tuple(RunState(run=run, state=state, due=due) for run, state, due in site.scheduler.runs(dag, newest=RUNS))
            yield FlowState(dag=dag, paused=known[dag].paused, next_run=known[dag].next_run, runs=runs)


def _former(promotions: Sequence[Promotion]) -> tuple[str, ...]:
    """Return the versions that were champion and are not, the newest first."""
    present = promotions[-1].version if promotions else None
    versions = (row.version for row in reversed(promotions) if row.version is not None and row.version != present)
    return tuple(dict.fromkeys(versions))
