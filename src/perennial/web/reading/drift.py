"""Reads the drift of one night. What is counted lies in artifacts, which never change, so it is worked out once."""

from __future__ import annotations

from datetime import timedelta

from fastapi import HTTPException

from perennial.core.errors import ArtifactError
from perennial.core.interval import Interval
from perennial.core.receipts import Measurement, ModelVersion, Signal
from perennial.monitoring.counting.profile import Profile
from perennial.monitoring.counting.reference import Reference
from perennial.web.asking import Asked
from perennial.web.reading.scope import read_moment, standing_of
from perennial.web.views.columns import ColumnView, column_views
from perennial.web.views.drift import DriftView

_OF_LOSS = ("decay", "baseline", "slice_decay", "estimate")
"""Kinds of signals that are not about what moved."""


def read_drift(asked: Asked, at: str | None) -> DriftView | None:
    """Return the drift of the night that starts at the moment *at*, or of the newest one; None where none was measured.

    Raises:
        HTTPException: 404.
    """
    standing_of(asked)
    measurement = _measured(asked, at)
    if measurement is None:
        return None
    version = asked.site.stores().ledger.get(ModelVersion, measurement.version) if measurement.version else None
    columns, remark = _columns(asked, measurement, version)
    return DriftView(
        model=asked.model,
        segment=asked.segment,
        interval=measurement.interval,
        version=measurement.version,
        trained_until=version.trained_on.end if version else None,
        signals=tuple(filter(_moved, measurement.signals)),
        columns=columns,
        remark=remark,
    )


def _measured(asked: Asked, at: str | None) -> Measurement | None:
    ledger = asked.site.stores().ledger
    if at is None:
        found = ledger.history(Measurement, asked.model, asked.segment, newest=1)
        return found[-1] if found else None
    start = read_moment(at)
    found = ledger.history(Measurement, asked.model, asked.segment, within=Interval(start, start + timedelta.resolution))
    if not found:
        raise HTTPException(404, "No night that starts then was measured.")
    return found[-1]


def _columns(asked: Asked, measurement: Measurement, version: ModelVersion | None) -> tuple[tuple[ColumnView, ...], str | None]:
    def make() -> tuple[ColumnView, ...]:
        artifacts = asked.site.stores().artifacts
        assert version is not None  # without a champion nothing was counted
        night = Profile.from_json(artifacts.get(measurement.profile or ""))
        reference = Reference.from_json(artifacts.get(version.profile)).only(lambda edges: edges.name in night.counts)
        return tuple(column_views(measurement, reference, night))

    if version is None or measurement.profile is None:
        return tuple(column_views(measurement, None, None)), None
    try:
        return asked.site.kept.once(("columns", measurement.id, measurement.profile, version.profile), make), None
    except ArtifactError as error:
        return tuple(column_views(measurement, None, None)), f"The counts cannot be read any more: {error}"


def _moved(signal: Signal) -> bool:
    return signal.kind not in _OF_LOSS
