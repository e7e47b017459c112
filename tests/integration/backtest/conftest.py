"""A short simulated world, a small fast definition of it, and what a backtest reads it with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perennial.backtest.backtest import backtest
from perennial.backtest.findings import Findings
from perennial.backtest.policies import Policy, full, never, periodic
from perennial.backtest.shelf import Shelf
from perennial.core.interval import Interval
from perennial.definition.models import Definition
from perennial.ports import Workshop
from perennial.simulation.load import tables
from perennial.simulation.world import world
from perennial.testing import InlineWorkshop, MemorySource
from perennial.testing.story import FIRST_DAY, day
from perennial.wiring import Reading

KEY = b"0123456789abcdef0123456789abcdef"
WITHIN = Interval(day(25), day(31))
Backtest = Callable[..., Findings]


@pytest.fixture(scope="session")
def definition(small: dict[str, Any]) -> Definition:
    """The small definition, whose challengers must be clearly better than the champion."""
    evaluation = small["evaluation"] | {"gates": {"champion": {"rule": "superior"}}}
    monitoring = {"minimum_rows": 12, "multivariate": False}
    return Definition.model_validate(small | {"evaluation": evaluation, "monitoring": monitoring})


@pytest.fixture(scope="session")
def policies(definition: Definition) -> list[Policy]:
    """Four policies, of which those that retrain every night ask for the same fits."""
    nightly = [periodic(definition, "nightly", gated=gated) for gated in (True, False)]
    return [never(), *nightly, full(definition).model_copy(update={"schedule": "0 0 29 * *"})]


@pytest.fixture(scope="session")
def history() -> MemorySource:
    """32 good days from 2024-03-01 on, which is day 0 of ``perennial.testing.story.day``."""
    return MemorySource(tables(world(seed=7, days=32, start=FIRST_DAY.date())))


@pytest.fixture
def reading(history: MemorySource, tmp_path: Path) -> Reading:
    """What reads it."""
    return Reading(source=lambda _: history, signing_key=KEY, scratch=tmp_path)


@pytest.fixture(scope="session")
def found_before(
    definition: Definition, policies: list[Policy], history: MemorySource, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Findings, Path]:
    """What a backtest of all policies finds on six nights, and the folder of its cache, which nobody may change."""
    folder = tmp_path_factory.mktemp("backtest")
    reading = Reading(source=lambda _: history, signing_key=KEY, scratch=folder)
    shelf = Shelf(folder / "cache")
    return backtest(definition, policies, WITHIN, reading, shelf=shelf, workshops=[InlineWorkshop()], draws=1), folder / "cache"


@pytest.fixture
def run(definition: Definition, reading: Reading, tmp_path: Path) -> Backtest:
    """Run a backtest of the small definition: ``run([policy, ...], within=..., on=shelf)``."""

    def running(
        policies: list[Policy], *, within: Interval = WITHIN, on: Path = tmp_path / "cache", workshops: tuple[Workshop, ...] = ()
    ) -> Findings:
        places = workshops or (InlineWorkshop(),)
        return backtest(definition, policies, within, reading, shelf=Shelf(on), workshops=places, draws=0)

    return running
