"""Reads the fleet: as many statements for 500 models as for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from markupsafe import Markup

from perennial.core.health import Standing
from perennial.web.access import Person
from perennial.web.dags import score_dag
from perennial.web.plots.sparkline import sparkline
from perennial.web.site import Flow, Site
from perennial.web.views.fleet import NIGHTS, PAGE, Beside, Fleet, FleetQuery, Order, Row, beside, chosen, counts, ordered

Scope = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was made of a sketch of losses: the figures of its last night, and its plot."""

    beside: Beside
    plot: Markup


def read_fleet(site: Site, person: Person, asked: FleetQuery, *, whole: bool = False) -> tuple[Fleet, Mapping[Scope, Markup]]:
    """Return the page of the fleet that is *asked* for, or the *whole* of it on one, and the plots of its rows."""
    standings = _readable(site, person)
    found = chosen(standings, asked.sought, asked.show)
    drawn = _drawn(site, found) if asked.order is Order.LOSS else {}
    flows = _flows(site, found) if asked.order is Order.NEXT else {}
    ratios = {scope: one.beside.ratio for scope, one in drawn.items()}
    runs = {dag: flow.next_run for dag, flow in flows.items()}
    ranked = ordered(found, asked.order, down=asked.down, ratios=ratios, runs=runs)
    size = max(len(ranked), 1) if whole else PAGE
    pages = max(ceil(len(ranked) / size), 1)
    page = min(asked.page, pages)
    part = ranked[(page - 1) * size : page * size]
    drawn, flows = _drawn(site, part), _flows(site, part)
    rows = tuple(_row(one, drawn.get((one.model, one.segment)), flows.get(score_dag(one.model))) for one in part)
    fleet = Fleet(rows=rows, found=len(found), page=page, pages=pages, counts=counts(standings))
    return fleet, {scope: one.plot for scope, one in drawn.items()}


def _readable(site: Site, person: Person) -> list[Standing]:
    """Return how everything stands that *person* may read; a definition of which nothing was recorded stands there by name."""
    standings = site.standings.get("all", site.now(), site.lately, lambda: _all(site))
    may = site.access.readable(person, {one.model for one in standings})
    return [one for one in standings if one.model in may]


def _all(site: Site) -> list[Standing]:
    standings = site.health().standings()
    recorded = {one.model for one in standings}
    return standings + [Standing(model=name) for name in site.definitions.names() if name not in recorded]


def _drawn(site: Site, standings: Collection[Standing]) -> Mapping[Scope, Drawn]:
    """Return what the sketches of losses show. They change with the newest measurement, so each is read once for that."""
    keys = {(one.model, one.segment): ("drawn", one.model, one.segment, one.measurement) for one in standings if one.measurement}
    known = {scope: site.kept.get(key) for scope, key in keys.items()}
    missing = [scope for scope, found in known.items() if found is None]
    if missing:
        for scope, sketch in site.health().sketches(missing, nights=NIGHTS).items():
            known[scope] = Drawn(beside(sketch), sparkline(sketch))
            site.kept.put(keys[scope], known[scope])
    return {scope: found for scope, found in known.items() if isinstance(found, Drawn)}


def _flows(site: Site, standings: Sequence[Standing]) -> Mapping[str, Flow]:
    return site.scheduler.flows({score_dag(one.model) for one in standings})


def _row(one: Standing, drawn: Drawn | None, flow: Flow | None) -> Row:
    figures = drawn.beside if drawn else Beside()
    return Row(
        standing=one,
        loss=figures.loss,
        baseline=figures.baseline,
        ratio=figures.ratio,
        paused=flow.paused if flow else None,
        next_run=flow.next_run if flow else None,
    )
