"""A sketch of the newest losses of many models at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from perennial.core.health import Sketch
from perennial.core.receipts import Role

# Of each measurement but the newest the oldest night alone: that is the one whose labels are complete by then. A night has a row
# for each role, three at most, and they come first. A model's figures come as arrays, so that there are few rows.
_SKETCHES = text("""
    SELECT model, segment, role, array_agg(extract(epoch FROM night)::float8 ORDER BY night), array_agg(loss ORDER BY night)
    FROM unnest(CAST(:models AS text[]), CAST(:segments AS text[])) s (model, segment),
    LATERAL (
        SELECT DISTINCT ON (p.role, p.interval_start) p.role, p.interval_start AS night, p.loss
        FROM (
            SELECT id, row_number() OVER (ORDER BY interval_start DESC, said_at DESC, id DESC) AS back
            FROM perennial.measurement WHERE model = s.model AND segment = s.segment
            ORDER BY interval_start DESC, said_at DESC, id DESC LIMIT :nights
        ) m
        JOIN perennial.performance_measurement p ON p.measurement = m.id AND p.slice IS NULL AND (m.back = 1 OR p.position < 3)
        WHERE p.loss IS NOT NULL
        ORDER BY p.role, p.interval_start, m.back
    ) n
    GROUP BY model, segment, role
""")


def sketches(connection: Connection, scopes: Sequence[tuple[str, str]], nights: int) -> dict[tuple[str, str], Sketch]:
    """Return for each model and segment the losses that its newest *nights* measurements settled, and those of the nights since.

    A night that was not measured on its own day may be missing.
    """
    key = {"models": [model for model, _ in scopes], "segments": [segment for _, segment in scopes], "nights": nights}
    found: dict[tuple[str, str], dict[Role, tuple[list[float], list[float]]]] = {scope: {} for scope in scopes}
    for model, segment, role, starts, losses in connection.execute(_SKETCHES, key):
        found[model, segment][Role(role)] = (starts, losses)
    return {scope: _sketch(by_role) for scope, by_role in found.items()}


def _sketch(by_role: dict[Role, tuple[list[float], list[float]]]) -> Sketch:
    return Sketch(
        nights={role: tuple(starts) for role, (starts, _) in by_role.items()},
        losses={role: tuple(losses) for role, (_, losses) in by_role.items()},
    )
