"""migrate and simulate: what must be there before the loop can run."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial import wiring
from perennial.cli.console import Json, dump, say, table, working


def register(app: typer.Typer) -> None:
    """Add the verbs to *app*."""
    app.command()(migrate)
    app.command()(simulate)


def migrate(*, as_json: Json = False) -> None:
    """Bring the ledger to the schema of this version."""
    from perennial.stores.migrations import migrate as bring  # noqa: PLC0415 - Alembic, for this verb only

    with wiring.databases(wiring.settings()) as running:
        version = bring(running.ledger)
    if as_json:
        dump({"version": version})
    else:
        say(f"the ledger is at version {version}")


def simulate(
    connection: Annotated[str, typer.Option(help="The connection whose database gets the tables.")] = "bikes",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same company.")] = 7,
    days: Annotated[int, typer.Option(min=30, max=5000, help="How many days of history.")] = 500,
    *,
    as_json: Json = False,
) -> None:
    """Build a bike-share company's history in a source database.

    Its hourly demand grows, changes, breaks and has bad nights. Tables of the same names, conditions and rides, are replaced.
    """
    from perennial.simulation.load import simulate as build  # noqa: PLC0415 - numpy, for this verb only
    from perennial.stores.sql.source import write_table  # noqa: PLC0415

    with working("simulating"), wiring.source_url(connection) as url:
        tables = build(seed=seed, days=days)
        for name, content in tables.items():
            write_table(url, name, content)
    rows = {name: content.num_rows for name, content in tables.items()}
    if as_json:
        dump({"connection": connection, "seed": seed, "rows": rows})
    else:
        table(f"simulated company in {connection}, seed {seed}", ("table", "rows"), rows.items())
