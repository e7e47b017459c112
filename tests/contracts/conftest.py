"""The implementations that a contract is tested on: the real store and its fake."""

from __future__ import annotations

import pytest

from perennial.backtest.chronicle import Chronicle
from perennial.ports import Ledger
from perennial.stores.ledger import PostgresLedger
from perennial.testing import MemoryLedger, Story


@pytest.fixture(params=["postgres", "memory", "chronicle"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """An empty ledger, once of each kind."""
    if request.param == "memory":
        return MemoryLedger()
    if request.param == "chronicle":
        return Chronicle()
    opened: PostgresLedger = request.getfixturevalue("postgres_ledger")
    return opened


@pytest.fixture
def story() -> Story:
    """Receipts to fill it with."""
    return Story()
