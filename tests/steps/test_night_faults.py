"""Data faults are told from drift: a night that is no night like those that its champion learnt of goes into quarantine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from perennial.core.receipts import Finding, Purpose, Validation, Verdict
from perennial.definition.calendar import training_window
from perennial.definition.models import Definition
from perennial.ports import Stores
from perennial.simulation import corruptions
from perennial.simulation.load import tables as named
from perennial.simulation.world import World
from perennial.steps.extract import extract
from perennial.steps.loop import retrain
from perennial.steps.validate import validate
from perennial.testing import MemoryArtifacts, MemoryLedger, MemorySource
from perennial.testing.story import day, night
from perennial.workshop.owner import ProcessWorkshop

BAD = 31
KINDS = ("units", "sentinels", "volume", "freshness", "blocks", "copies")
UNASKED: dict[str, Any] = {
    "expectations": [{"type": "expect_column_values_to_not_be_null", "arguments": {"column": "city"}}],
    "quality": {"minimum_rows": 1},
}
"""Expectations that let everything through, so that nothing but what is usual can stop a night."""
Spoil = Callable[[pa.Table], pa.Table]
Changed = Callable[[dict[str, Any]], Definition]


def put(name: str, change: Callable[[Any], Any]) -> Spoil:
    """Change the values of a column of the night."""

    def spoiled(rows: pa.Table) -> pa.Table:
        values = pa.array(change(rows.column(name).to_numpy().copy()), from_pandas=True)
        return rows.set_column(rows.column_names.index(name), name, values)

    return spoiled


def without(first: int, last: int) -> Spoil:
    """Leave out some hours."""
    return lambda rows: pa.concat_tables([rows.slice(0, first), rows.slice(last)])


def frozen(rows: pa.Table) -> pa.Table:
    """Repeat the values of every sixth hour until the next one."""
    for name in ("temperature", "humidity", "wet"):
        rows = put(name, lambda values: np.repeat(values[::6], 6))(rows)
    return rows


def half_hours(rows: pa.Table) -> pa.Table:
    """Deliver two rows an hour."""
    event_at = pc.add(rows.column("event_at"), pa.scalar(timedelta(minutes=30)))
    later = rows.set_column(rows.column_names.index("event_at"), "event_at", event_at)
    warmer = put("humidity", lambda values: values + 0.25)(put("temperature", lambda values: values + 0.05)(later))
    return pa.concat_tables([rows, warmer]).sort_by("event_at")


def gap(values: Any) -> Any:  # noqa: D103 - a column's values without those of eight hours
    values[8:16] = np.nan
    return values


def one_far(values: Any) -> Any:  # noqa: D103 - a column's values with one that is none
    values[5] = 98_310.0
    return values


WHOLE = "whole units where hundredths were, such as cents or percent"
SPOILED: dict[str, tuple[Spoil, str, str]] = {
    "°F": (
        corruptions.fahrenheit,
        "quality.units temperature",
        "temperature: looks like °F where °C was (x·1.8+32); taken back, it lies where it usually does",
    ),
    "share": (
        put("humidity", lambda values: values / 100),
        "quality.units humidity",
        f"humidity: looks like {WHOLE} (x/100); taken back, it lies where it usually does",
    ),
    "half the rows": (
        lambda rows: rows.take(pa.array(range(0, 24, 2))),
        "quality.volume",
        "too few rows: 12, usual for such a night are about 24",
    ),
    "twice the rows": (half_hours, "quality.volume", "too many rows: 48, usual for such a night are about 24"),
    "no evening": (
        without(18, 24),
        "quality.freshness",
        "the newest row is 7.0 h older than the night's end, usual are at most 1.0 h",
    ),
    "no morning": (without(6, 12), "quality.blocks", "7.0 h at a stretch without rows, usual are at most 1.0 h"),
    "a probe without power": (
        put("humidity", gap),
        "quality.blocks humidity",
        "humidity: 9.0 h at a stretch without a value, usual are at most 1.0 h",
    ),
    "a frozen feed": (
        frozen,
        "quality.copies",
        "83% of the rows repeat another one's values under another key, usual are at most 8%",
    ),
}
REFUSED: dict[str, tuple[Spoil, str, int]] = {
    "sentinels": (corruptions.sentinels, "temperature: 6 of 24 rows are -200, a value for what was not measured", 6),
    "absolute zero": (corruptions.kelvin_zero, "temperature: 24 of 24 rows are -273.15, a value for what was not measured", 24),
    "one far number": (
        put("temperature", one_far),
        "temperature: 1 of 24 rows is further than 100 times the usual range away from it",
        1,
    ),
    "a stuck probe": (
        put("temperature", lambda values: np.where(np.arange(24) < 14, values[0], values)),
        "temperature: 14 of 24 rows are one value that is not usual",
        14,
    ),
}


class Bench:
    """A champion, and nights that are validated beside it."""

    def __init__(
        self, stores: Stores, tables: dict[str, pa.Table], small: dict[str, Any], checked: list[Any] | None = None
    ) -> None:
        """Keep them, and what else is checked."""
        self.stores, self.tables, self.small, self.checked = stores, tables, small, checked or []

    def definition(self, **faults: bool) -> Definition:
        """Return the definition with some kinds of faults switched."""
        changed = {**self.small, "expectations": [*UNASKED["expectations"], *self.checked]}
        changed["quality"] = {**self.small["quality"], **UNASKED["quality"], "faults": faults}
        return Definition.model_validate(changed)

    def validate(self, spoil: Spoil | None = None, number: int = BAD, **faults: bool) -> Validation:
        """Validate night *number* as it is delivered when something goes wrong."""
        definition, whole = self.definition(**faults), self.tables["conditions"]
        if spoil:
            parts = [whole.slice(0, 24 * number), spoil(whole.slice(24 * number, 24)), whole.slice(24 * number + 24)]
            self.tables["conditions"] = pa.concat_tables(parts)
        try:
            snapshot = extract(definition, night(number), self.stores, purpose=Purpose.SCORE, as_of=day(number + 1))
            return validate(definition, night(number), self.stores, snapshot=snapshot)
        finally:
            self.tables["conditions"] = whole


@pytest.fixture(scope="module")
def bench(simulated: World, small: dict[str, Any], workshop: ProcessWorkshop, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One champion for all tests, trained at the end of day 30."""
    tables = named(simulated)
    stores = Stores(
        source=lambda _: MemorySource(tables),
        artifacts=MemoryArtifacts(),
        ledger=MemoryLedger(),
        signing_key=bytes(32),
        scratch=tmp_path_factory.mktemp("scratch"),
        workshop=workshop,
    )
    made = Bench(stores, tables, small)
    definition = made.definition()
    assert retrain(definition, training_window(definition, day(30)), stores, reason="a test", actor="tests").promoted
    return made


def faults(validation: Validation) -> dict[str, Finding]:
    """Return the findings that are not met, by name."""
    return {finding.name: finding for finding in validation.findings if not finding.success}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_night_that_is_at_fault_as_a_whole_fails(bench: Bench, kind: str) -> None:
    """The one finding says what is wrong."""
    spoil, name, sentence = SPOILED[kind]
    validation = bench.validate(spoil)
    assert {one: finding.sentence for one, finding in faults(validation).items()} == {name: sentence}
    assert validation.verdict is Verdict.FAIL


@pytest.mark.parametrize("kind", SPOILED)
def test_a_kind_of_fault_is_found_by_nothing_else(bench: Bench, kind: str) -> None:
    """Where it is switched off, such a night passes."""
    spoil, name, _ = SPOILED[kind]
    switched_off = name.removeprefix("quality.").split(" ", maxsplit=1)[0]
    assert bench.validate(spoil, **{switched_off: False}).verdict is Verdict.PASS


@pytest.mark.parametrize("kind", REFUSED)
def test_rows_that_hold_no_measurement_are_refused(bench: Bench, kind: str) -> None:
    """The night goes on without them where they are few."""
    spoil, sentence, rows = REFUSED[kind]
    validation = bench.validate(spoil)
    assert faults(validation)["quality.sentinels temperature"].sentence == sentence
    assert validation.quarantined == rows
    assert validation.verdict is (Verdict.PASS if rows == 1 else Verdict.FAIL)


@pytest.mark.parametrize("kind", REFUSED)
def test_sentinels_are_not_looked_for_where_nobody_wants_it(bench: Bench, kind: str) -> None:
    """Then no row is refused."""
    assert bench.validate(REFUSED[kind][0], sentinels=False).quarantined == 0


@pytest.mark.parametrize("number", [30, 33, 37, 41, 44])
def test_a_good_night_has_no_fault(bench: Bench, number: int) -> None:
    """The finding says beside how many nights it was held."""
    validation = bench.validate(number=number)
    assert (validation.verdict, faults(validation)) == (Verdict.PASS, {})
    told = [finding.sentence for finding in validation.findings if finding.expectation == "quality.faults"]
    assert told == [f"{', '.join(KINDS)}: looked for beside 21 nights"]


def test_a_heat_wave_is_drift(bench: Bench) -> None:
    """Eight degrees more than ever are weather."""
    assert bench.validate(put("temperature", lambda values: values + 8)).verdict is Verdict.PASS


def test_a_model_without_a_champion_has_nothing_to_compare_with(bench: Bench) -> None:
    """The finding says that nothing was asked."""
    validation = bench.validate(corruptions.fahrenheit, number=12)
    assert [finding.sentence for finding in validation.findings if finding.expectation == "quality.faults"] == [
        "data faults were not looked for: no champion yet"
    ]
    assert validation.verdict is Verdict.PASS


def test_what_is_usual_is_kept_with_the_training_validation(bench: Bench) -> None:
    """It is an artifact that the ledger names, so that nobody collects it."""
    window = next(one for one in bench.stores.ledger.history(Validation, bench.definition().name) if one.purpose is Purpose.TRAIN)
    assert window.usual in bench.stores.ledger.referenced()


def test_moments_that_are_1970_are_sentinels(bench: Bench) -> None:
    """A column of moments that only a check reads, of which three are the start of all clocks."""
    conditions = bench.tables["conditions"]
    checked = {"type": "expect_column_values_to_not_be_null", "arguments": {"column": "serviced_at"}}
    own = Bench(replace(bench.stores, ledger=MemoryLedger()), bench.tables, bench.small, [checked])
    bench.tables["conditions"] = conditions.append_column(
        "serviced_at", pc.subtract(conditions["event_at"], pa.scalar(timedelta(days=2)))
    )
    try:
        definition = own.definition()
        assert retrain(definition, training_window(definition, day(30)), own.stores, reason="a test", actor="tests").promoted
        epochs = pa.array([0, 0, 0], pa.timestamp("us", "UTC"))
        validation = own.validate(
            lambda rows: rows.set_column(
                rows.column_names.index("serviced_at"),
                "serviced_at",
                pa.chunked_array([epochs, *rows["serviced_at"].slice(3).chunks]),
            )
        )
    finally:
        bench.tables["conditions"] = conditions
    assert faults(validation)["quality.sentinels serviced_at"].sentence.startswith("serviced_at: 3 of 24 rows are ")
    assert validation.quarantined == 3
