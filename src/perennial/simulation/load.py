"""What goes into the database: the world's tables by name, bad nights and all."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from perennial.simulation.bad_nights import with_bad_nights
from perennial.simulation.world import DAYS, START, World, world


def simulate(*, seed: int, days: int = DAYS, start: date = START) -> dict[str, pa.Table]:
    """Return the demo company's tables, with the planned bad nights, by the names that the shipped definition reads."""
    return tables(with_bad_nights(world(seed=seed, days=days, start=start)))


def tables(world: World) -> dict[str, pa.Table]:
    """Return the tables of *world* by name: ``conditions`` and ``rides``."""
    return {"conditions": world.conditions, "rides": world.rides}
