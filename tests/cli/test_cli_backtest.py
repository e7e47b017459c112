"""backtest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from typer.testing import Result

from perennial.core.receipts import Decision, Promotion
from perennial.stores.ledger import PostgresLedger

Call = Callable[..., Result]
Read = Callable[[Result], Any]
POLICIES = """\
policies:
  - {name: never, schedule: none, retraining: {causes: [], cooldown: 1d}}
  - {name: weekly, schedule: "0 0 * * 1", gated: false, retraining: {causes: [], cooldown: 1d}}
"""


def backtested(call: Call, tmp_path: Path, *words: str) -> Result:
    """Run a backtest of ten nights under two policies, with a cache of the test's own."""
    (tmp_path / "policies.yml").write_text(POLICIES)
    options = ["--policies", str(tmp_path / "policies.yml"), "--cache", str(tmp_path / "cache"), "--processes", "1"]
    return call("backtest", "small", "--from", "2024-01-22", "--until", "2024-01-31", *options, *words)


def test_a_backtest_is_told_in_tables_and_leaves_the_ledger_alone(
    call: Call,
    read: Read,
    company: Any,
    tmp_path: Path,
) -> None:
    """The policies, what they are held against, and what to do; then the same as JSON, from the cache, and as a page."""
    url = company.environment["PERENNIAL_DATABASE_URL"]

    def counted() -> list[int]:
        with closing(PostgresLedger.open(url)) as ledger:
            return [len(ledger.history(kind, "small")) for kind in (Decision, Promotion)]

    before = counted()
    said = backtested(call, tmp_path).stdout

    assert said.startswith("small, 2024-01-22 00:00Z to 2024-01-31 00:00Z: mean absolute error a row on 8 nights")
    assert "best in hindsight" in said
    told = read(backtested(call, tmp_path, "--json", "--report", str(tmp_path / "report.html")))
    assert ([one["policy"]["name"] for one in told["policies"]], told["fits"]) == (["never", "weekly"], 0)
    assert "<svg" in (tmp_path / "report.html").read_text()
    assert counted() == before
