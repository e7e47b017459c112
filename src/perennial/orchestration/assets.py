"""Snapshots, model versions and predictions as Airflow's assets, so that other DAGs can wait for them and lineage is seen.

Each is an outlet by an alias: an event is there only where something was made. A night that was held back predicts nothing, a
challenger that was refused is no version to wait for; a task that succeeded without either tells nobody of it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetAlias, get_current_context

from perennial.core.interval import iso
from perennial.core.receipts import Predicted, Publication, Receipt, Role, Snapshot
from perennial.definition.models import Definition

SNAPSHOT, MODEL, PREDICTIONS = "snapshot", "model", "predictions"
"""What there is an asset of, for each model."""


def asset(model: str, what: str) -> Asset:
    """Return the asset, ``schedule=[asset("bike_demand", PREDICTIONS)]`` of whoever waits for it."""
    return Asset(name=f"{model} {what}", uri=f"perennial://{model}/{what}", group="perennial")


def outlet(definition: Definition, what: str) -> dict[str, Any]:
    """Return what makes a task one that may bring the asset."""
    return {"outlets": [AssetAlias(_alias(definition.name, what), group="perennial")]}


def announce(definition: Definition, receipt: Receipt) -> None:
    """Tell whoever waits for it what *receipt* says was made; nothing where it says of nothing."""
    found = event(receipt)
    if found is None:
        return
    what, extra = found
    alias = AssetAlias(_alias(definition.name, what), group="perennial")
    get_current_context()["outlet_events"][alias].add(asset(definition.name, what), extra=extra)


def event(receipt: Receipt) -> tuple[str, dict[str, Any]] | None:
    """Return of which asset *receipt* is an event, and what stands in it: ids, counts and times."""
    if isinstance(receipt, Snapshot):
        return SNAPSHOT, {**_night(receipt), "purpose": receipt.purpose.value, "digest": receipt.digest, "rows": receipt.rows}
    if isinstance(receipt, Predicted):
        own = next((batch for batch in receipt.batches if batch.role is Role.CHAMPION), None)
        return (PREDICTIONS, {**_night(receipt), "batch": own.id, "version": own.version, "rows": own.rows}) if own else None
    if isinstance(receipt, Publication) and receipt.promoted:
        return MODEL, {"segment": receipt.segment, "version": receipt.champion, "epoch": receipt.epoch}
    return None


def _night(receipt: Snapshot | Predicted) -> dict[str, Any]:
    night = receipt.interval
    return {"segment": receipt.segment, "interval_start": iso(night.start), "interval_end": iso(night.end)}


def _alias(model: str, what: str) -> str:
    return f"{model} {what}"
