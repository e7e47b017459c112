"""A backtest: the very loop, under several policies at once, with the figures that each has by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from perennial.backtest.backtest import backtest
from perennial.backtest.findings import Findings, TriedPolicy
from perennial.backtest.policies import Policy
from perennial.backtest.replay import replay
from perennial.backtest.shelf import Shelf
from perennial.core.errors import DataError
from perennial.core.interval import Interval
from perennial.core.receipts import ALL, Decision, ModelVersion, Promotion, Role
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.testing import InlineWorkshop, MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import day
from perennial.wiring import Reading
from perennial.workshop.owner import ProcessWorkshop

Backtest = Callable[..., Findings]
START, UNTIL = day(25), day(31)


def told(found: Findings) -> list[TriedPolicy]:
    """Return what was found of each policy, without how long it took."""
    return [one.model_copy(update={"seconds": 0.0}) for one in found.policies]


def test_a_policy_has_the_figures_that_it_has_by_itself(
    definition: Definition, policies: list[Policy], reading: Reading, found_before: tuple[Findings, Path]
) -> None:
    """With each step done once for all policies, a gated one gets, to the last digit, what a plain replay of it alone gets."""
    policy = policies[1]
    line = next(one for one in found_before[0].timelines if one.policy == policy.name)
    ledger = MemoryLedger()
    stores = Stores(
        source=reading.source,
        artifacts=MemoryArtifacts(),
        ledger=ledger,
        signing_key=reading.signing_key,
        scratch=reading.scratch,
        workshop=InlineWorkshop(),
    )
    list(replay(policy.applied(definition), Interval(START, UNTIL), stores, also_at=(START,)))

    assert [night.action for night in line.nights] == [one.action for one in ledger.history(Decision, definition.name)]
    promoted = [ledger.get(ModelVersion, one.version or "").as_of for one in ledger.history(Promotion, definition.name)]
    assert [one.at for one in line.retrainings if one.promoted] == promoted
    losses = ledger.losses(definition.name, ALL, loss="absolute", within=Interval(START, UNTIL), as_of=UNTIL, matured_before=UNTIL)
    plain = {one.interval: (one.loss, one.labelled) for one in losses if one.role is Role.CHAMPION and one.labelled}
    assert {night.interval: (night.loss, night.labelled) for night in line.nights if night.labelled} == plain


def test_what_two_policies_ask_for_is_fitted_once(found_before: tuple[Findings, Path]) -> None:
    """One at the start and six more, with the gates and without; what the full policy asks for, and chance, is among them."""
    found, _ = found_before

    assert (found.fits, found.asked) == (7, 1 + 7 + 7 + 2)


def test_a_second_backtest_fits_nothing_and_finds_the_same(
    policies: list[Policy], run: Backtest, found_before: tuple[Findings, Path]
) -> None:
    """It finds everything on the shelf of the first one."""
    first, cache = found_before
    again = run(policies, on=cache)

    assert (again.fits, again.policies, again.timelines) == (0, first.policies, first.timelines)


def test_an_interrupted_backtest_goes_on(policies: list[Policy], run: Backtest) -> None:
    """What was found of the first nights is not fitted again."""
    tried = policies[:2]
    begun = run(tried, within=Interval(START, day(28)))

    assert (begun.fits, run(tried, within=Interval(START, day(29))).fits) == (4, 1)


def test_what_is_damaged_on_the_shelf_is_made_again(
    policies: list[Policy], run: Backtest, found_before: tuple[Findings, Path], tmp_path: Path
) -> None:
    """An entry that a power cut left in half, or an artifact, is as good as none."""
    _, cache = found_before
    mine = tmp_path / "mine"
    shutil.copytree(cache, mine)
    for path in sorted(mine.glob("*/??/*"))[::3]:
        path.write_bytes(path.read_bytes()[:-1])

    assert told(run(policies[:2], on=mine)) == told(run(policies[:2], on=cache))


def test_fitting_ahead_changes_nothing(
    policies: list[Policy], run: Backtest, found_before: tuple[Findings, Path], workshop: ProcessWorkshop
) -> None:
    """With two places for fits, those of the schedule are begun before it asks."""
    found = run(policies[:2], workshops=(workshop, workshop))

    assert [told(found)[1].loss, found.fits] == [told(found_before[0])[1].loss, 7]


def test_a_policy_without_a_gate_promotes_each_challenger(found_before: tuple[Findings, Path]) -> None:
    """Also those that its gates would have refused."""
    _, gated, free, _ = found_before[0].policies

    assert (gated.refused > 0, free.refused) == (True, 0)


def test_controls_stand_beside_the_policies(found_before: tuple[Findings, Path]) -> None:
    """A trivial model, retraining at random, and whoever had known which policy is best."""
    found, _ = found_before

    assert [one.name for one in found.controls] == ["mean baseline", "at random", "best in hindsight"]
    assert found.controls[-1].loss.value == min(one.loss.value for one in found.policies)


def test_a_time_without_labels_says_so(policies: list[Policy], run: Backtest) -> None:
    """Nothing can be compared on labels that have not come."""
    with pytest.raises(DataError, match="no night was predicted"):
        run(policies[:1], within=Interval(START, day(26)))


def test_labels_may_be_empty(definition: Definition, policies: list[Policy], history: MemorySource, tmp_path: Path) -> None:
    """Where no expectation speaks about them, the rows that have one train, judge and are measured."""
    rides, empty = history.tables["rides"], [Interval(day(15), day(16)), Interval(day(23), day(25.5))]
    dated = zip(rides.column("event_at").to_pylist(), rides.column("rides").to_pylist(), strict=True)
    values = pa.array([None if any(at in part for part in empty) else value for at, value in dated], pa.int64())
    spoilt = MemorySource({**history.tables, "rides": rides.set_column(rides.column_names.index("rides"), "rides", values)})
    asked = [item for item in definition.expectations if item.arguments["column"] != "rides"]

    found = backtest(
        definition.model_copy(update={"expectations": tuple(asked)}),
        [policies[0]],
        Interval(START, day(28)),
        Reading(source=lambda _: spoilt, signing_key=bytes(32), scratch=tmp_path),
        shelf=Shelf(tmp_path / "cache"),
        workshops=[InlineWorkshop()],
        draws=0,
    )
    [line] = [one for one in found.timelines if one.policy == policies[0].name]
    assert line.nights[0].labelled == 12
