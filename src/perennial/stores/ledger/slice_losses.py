"""The losses by slice that nights were measured with, beside those of the whole nights."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from perennial.core.receipts import NightLoss
from perennial.stores.ledger.rows import from_row

_SLICES = text("""
    WITH standing AS (
        SELECT DISTINCT ON (interval_start, interval_end) id, interval_start, interval_end, as_of
        FROM perennial.measurement
        WHERE model = :model AND segment = :segment AND interval_start < :before
        ORDER BY interval_start, interval_end, said_at DESC, id DESC
    ), sliced AS (
        SELECT DISTINCT ON (p.interval_start, p.interval_end) p.measurement, p.interval_start, p.interval_end
        FROM standing m JOIN perennial.performance_measurement p ON p.measurement = m.id
        WHERE m.as_of <= :as_of AND p.version = :version AND p.slice IS NOT NULL
        ORDER BY p.interval_start, p.interval_end, m.interval_start DESC, m.interval_end DESC
    )
    SELECT p.*
    FROM sliced JOIN perennial.performance_measurement p USING (measurement, interval_start, interval_end)
    WHERE p.version = :version AND p.role = 'champion'
    ORDER BY p.slice COLLATE "C" NULLS FIRST, p.interval_start, p.interval_end
""")


def slice_losses(
    connection: Connection, model: str, segment: str, *, version: str, before: datetime, as_of: datetime
) -> list[NightLoss]:
    """Return the losses by slice, as ``ports.Ledger.slice_losses`` says."""
    key = {"model": model, "segment": segment, "version": version, "before": before, "as_of": as_of}
    return [from_row(NightLoss, dict(row)) for row in connection.execute(_SLICES, key).mappings()]
