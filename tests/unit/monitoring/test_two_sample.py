"""The classifier two-sample test: what no column shows alone, and quiet where nothing moved."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from perennial.monitoring.shift.joint_features import joint_features
from perennial.monitoring.shift.two_sample import TwoSample, two_sample

NUMERIC, CATEGORICAL = ("a", "b", "c"), ("kind",)


def rows(rng: np.random.Generator, number: int, *, together: float = 0.0, between: float = 0.0) -> pa.Table:
    """Return rows in which a and b go *together* by a correlation; each night's means differ by *between*."""
    figures = rng.normal(size=(number, 3))
    figures[:, 1] = together * figures[:, 0] + np.sqrt(1 - together**2) * figures[:, 1]
    figures += between * rng.normal(size=3)
    kinds = rng.choice(["red", "green", "blue"], number)
    return pa.table({**{name: figures[:, i] for i, name in enumerate(NUMERIC)}, "kind": kinds})


@cache
def reference(nights: int = 20, size: int = 100, between: float = 0.0, seed: int = 0) -> tuple[pa.Table, np.ndarray]:
    """Return the rows of nights that are alike but for *between*."""
    rng = np.random.default_rng(seed)
    return pa.concat_tables([rows(rng, size, between=between) for _ in range(nights)]), np.repeat(np.arange(nights), size)


def tell(
    night: pa.Table, known: tuple[pa.Table, np.ndarray] | None = None, *, shift: float = 0.2, numeric: tuple[str, ...] = NUMERIC
) -> TwoSample:
    """Tell a night from the reference."""
    before, nights = known or reference()
    found = two_sample(before, nights, night, numeric=numeric, categorical=CATEGORICAL, shift=shift, seed=1)
    assert found is not None
    return found


@pytest.mark.parametrize("between", [0.0, 0.5])
@pytest.mark.parametrize("size", [100, 300])
def test_quiet_nights_alarm_no_more_often_than_the_level(size: int, between: float) -> None:
    """40 nights at 5 % without tolerance; also where the nights differ by half a standard deviation for no reason."""
    rng, trials, alarms = np.random.default_rng(size), 40, 0
    for trial in range(trials):
        known = reference(size=size, between=between, seed=trial // 5)
        alarms += tell(rows(rng, size, between=between), known, shift=0.0).p_value <= 0.05
    assert alarms <= stats.binom.ppf(0.999, trials, 0.05)


def test_columns_that_begin_to_go_together_are_found() -> None:
    """Each is normal as ever, so that no column alone shows it; and the two are named."""
    found = tell(rows(np.random.default_rng(2), 720, together=0.6))
    assert found.p_value < 1e-4
    assert found.causes[0] == "a with b"


def test_a_category_that_changes_with_a_number_is_found() -> None:
    """Red has become the large ones; as many are red as before."""
    night = rows(np.random.default_rng(3), 720)
    order = np.argsort(night["a"].to_numpy())
    kinds = np.empty(720, dtype=object)
    kinds[order] = np.repeat(["blue", "green", "red"], 240)
    found = tell(night.set_column(3, "kind", pa.array(kinds, pa.string())))
    assert found.p_value < 1e-4
    assert set(found.causes[:2]) <= {"a with kind red", "a with kind blue"}


def test_values_that_go_missing_together_are_found() -> None:
    """A fifth of each column was missing all the time, but not in the same rows."""
    rng = np.random.default_rng(4)

    def holes(table: pa.Table, *, same: bool) -> pa.Table:
        masks = [rng.random(table.num_rows) < 0.2] * 2 if same else [rng.random(table.num_rows) < 0.2 for _ in range(2)]
        for name, mask in zip("ab", masks, strict=True):
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(table[name].to_numpy(), mask=mask))
        return table

    before, nights = reference()
    found = tell(holes(rows(rng, 720), same=True), (holes(before, same=False), nights))
    assert found.p_value < 1e-4
    assert found.causes[0] == "a missing with b missing"


def test_a_shift_below_the_tolerance_is_not_found_at_any_size() -> None:
    """0.1 standard deviations with 0.2 tolerated, at 20 000 rows."""
    rng = np.random.default_rng(5)
    known = reference(size=500)
    night = rows(rng, 20_000)
    assert tell(night.set_column(0, "a", pa.array(night["a"].to_numpy() + 0.1)), known).p_value > 0.05


def test_an_outlier_changes_nothing() -> None:
    """Only the order of the values counts."""
    night = rows(np.random.default_rng(6), 300)
    values = night["a"].to_numpy()
    large, wild = (pa.array(np.where(values == values.max(), most, values)) for most in (10.0, 1e300))
    assert tell(night.set_column(0, "a", large)) == tell(night.set_column(0, "a", wild))


@pytest.mark.parametrize("level", [0.3, 1e-2, 1e-6])
def test_threshold_and_chance_agree(level: float) -> None:
    """The chance at the threshold is the level, with and without nights to learn from."""
    for nights in (3, 20):
        found = tell(rows(np.random.default_rng(7), 100), reference(nights=nights, between=0.3))
        at = TwoSample(found.threshold(level), found.tolerated, found.sampling, found.mean, found.deviation, found.nights, ())
        assert at.p_value == pytest.approx(level)


def test_too_few_rows_or_columns_that_never_vary_are_no_evidence() -> None:
    """There is nothing to tell."""
    before, nights = reference()
    small = two_sample(before, nights, before.slice(0, 9), numeric=NUMERIC, categorical=(), shift=0.2, seed=1)
    constant = pa.table({"a": np.zeros(100)})
    flat = two_sample(constant, np.zeros(100, np.int64), constant, numeric=("a",), categorical=(), shift=0.2, seed=1)
    assert (small, flat) == (None, None)


def test_a_thousand_columns_need_no_more_figures_than_a_few() -> None:
    """At most 256, the columns first."""
    table = pa.table({f"x{i}": np.random.default_rng(i).normal(size=50) for i in range(300)})
    found = joint_features(table, numeric=tuple(table.column_names), categorical=(), seed=0)
    assert (len(found.names), found.figures.shape) == (256, (256, 50))
    few = joint_features(table.select(["x0", "x1", "x2"]), numeric=("x0", "x1", "x2"), categorical=(), seed=0)
    assert few.names == ("x0", "x1", "x2", "x0 with x1", "x0 with x2", "x1 with x2")
