"""Snapshots, model versions and predictions as Airflow's assets, so that other DAGs can wait for them and lineage is seen.

Each is an outlet by an alias: an event is there only where something was made. A night that was held back predicts nothing, a
challenger that was refused is no version to wait for; a task that succeeded without either tells nobody of it.

Airflow ties an alias to its asset at the first event, and of two that come at once it fails one, and its task. So each alias has
one writer at a time: of a model with segments an unmapped task announces what all of them made, and a backfill announces nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.sdk import Asset, AssetAlias, get_current_context

from perennial.core.interval import iso
from perennial.core.receipts import Predicted, Publication, Purpose, Receipt, Role, Snapshot
from perennial.definition.models import Definition
from perennial.orchestration.runs import by_backfill

SNAPSHOT, MODEL, PREDICTIONS = "snapshot", "model", "predictions"
"""What there is an asset of, for each model."""


def asset(model: str, what: str) -> Asset:
    """Return the asset, ``schedule=[asset("bike_demand", PREDICTIONS)]`` of whoever waits for it."""
    return Asset(name=f"{model} {what}", uri=f"perennial://{model}/{what}", group="perennial")


def outlet(definition: Definition, *whats: str) -> dict[str, Any]:
    """Return what makes a task one that may bring the assets: nothing, of a model with segments."""
    return {} if definition.segments else outlet_of_all(definition, *whats)


def inlet(definition: Definition, *whats: str) -> dict[str, Any]:
    """Return what makes a task one that is seen to read the assets, as does each of those for a batch of segments."""
    return {"inlets": [asset(definition.name, what) for what in whats]}


def outlet_of_all(definition: Definition, *whats: str) -> dict[str, Any]:
    """Return the same for a task that there is one of, whether or not there are segments."""
    return {"outlets": [_alias(definition.name, what) for what in whats]}


def announce(definition: Definition, receipt: Receipt) -> None:
    """Tell whoever waits for it what *receipt* says was made; nothing where it says of nothing, or is of one segment of several."""
    if definition.segments is None:
        announce_all(definition, [receipt])


def announce_all(definition: Definition, receipts: Iterable[Receipt]) -> None:
    """Tell whoever waits for them what *receipts* say was made. The task has them as outlets."""
    if by_backfill():
        return
    for what, extra in filter(None, map(event, receipts)):
        get_current_context()["outlet_events"][_alias(definition.name, what)].add(asset(definition.name, what), extra=extra)


def event(receipt: Receipt) -> tuple[str, dict[str, Any]] | None:
    """Return of which asset *receipt* is an event, and what stands in it: ids, counts and times."""
    if isinstance(receipt, Snapshot) and receipt.purpose is Purpose.SCORE:
        return SNAPSHOT, {**_night(receipt), "digest": receipt.digest, "rows": receipt.rows}
    if isinstance(receipt, Predicted):
        own = next((batch for batch in receipt.batches if batch.role is Role.CHAMPION), None)
        return (PREDICTIONS, {**_night(receipt), "batch": own.id, "version": own.version, "rows": own.rows}) if own else None
    if isinstance(receipt, Publication) and receipt.promoted:
        return MODEL, {"segment": receipt.segment, "version": receipt.champion, "epoch": receipt.epoch}
    return None


def _night(receipt: Snapshot | Predicted) -> dict[str, Any]:
    night = receipt.interval
    return {"segment": receipt.segment, "interval_start": iso(night.start), "interval_end": iso(night.end)}


def _alias(model: str, what: str) -> AssetAlias:
    return AssetAlias(f"{model} {what}", group="perennial")
