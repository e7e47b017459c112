"""The losses by slice that nights were measured with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from perennial.core.receipts import NightLoss
from perennial.stores.ledger.rows import from_row

_SLICES = text("""
    SELECT DISTINCT ON (p.slice COLLATE "C", p.interval_start, p.interval_end) p.*
    FROM perennial.measurement m JOIN perennial.performance_measurement p ON p.measurement = m.id
    WHERE m.model = :model AND m.segment = :segment AND m.interval_start < :before
        AND p.version = :version AND p.slice IS NOT NULL
    ORDER BY p.slice COLLATE "C", p.interval_start, p.interval_end, m.interval_start DESC, m.said_at DESC, m.id DESC
""")


def slice_losses(connection: Connection, model: str, segment: str, *, version: str, before: datetime) -> list[NightLoss]:
    """Return the losses by slice, as ``ports.Ledger.slice_losses`` says."""
    rows = connection.execute(_SLICES, {"model": model, "segment": segment, "version": version, "before": before})
    return [from_row(NightLoss, dict(row)) for row in rows.mappings()]
