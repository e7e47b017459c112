"""Drift: seen when it is there, quiet within the budget when it is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from perennial.core.errors import DataError
from perennial.core.receipts import Beside, ColumnDrift, Signal, SignalState
from perennial.monitoring.counting.profile import Profile, profile
from perennial.monitoring.counting.reference import Reference, reference_profile
from perennial.monitoring.holm import holm_level
from perennial.monitoring.psi import sampling_scale
from perennial.monitoring.shift.drift import drift, moved_columns, nightly_budget
from perennial.monitoring.shift.night_null import bins_in_use, night_null, tolerated_psi

ALARM, QUIET, INSUFFICIENT = SignalState.ALARM, SignalState.QUIET, SignalState.INSUFFICIENT
World = Callable[[np.random.Generator, int], dict[str, Any]]


def five(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Return columns that are normal, heavy-tailed, mostly missing, of few values, and of fifty categories."""
    shares = 1 / np.arange(1, 51)
    return {
        "normal": rng.normal(size=rows),
        "heavy": rng.standard_t(1.5, rows),
        "sparse": np.where(rng.random(rows) < 0.8, np.nan, rng.gamma(1, size=rows)),
        "hour": rng.integers(0, 24, rows).astype(float),
        "fifty": rng.choice(50, rows, p=shares / shares.sum()).astype(str),
    }


def thirty(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Return thirty normal columns."""
    return {f"x{i:02}": rng.normal(size=rows) for i in range(30)}


def one(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Return one normal column."""
    return {"x": rng.normal(size=rows)}


def learned(world: World, rows: int, nights: int, seed: int = 0) -> Reference:
    """Return the reference of *nights* nights of *rows* rows."""
    table = pa.table(world(np.random.default_rng(seed), rows * nights))
    texts = [name for name in table.column_names if pa.types.is_string(table.schema.field(name).type)]
    numbers = [name for name in table.column_names if name not in texts]
    return reference_profile(table, numeric=numbers, categorical=texts, nights=np.repeat(np.arange(nights), rows))


known = cache(learned)


def hold(
    reference: Reference, night: dict[str, Any] | Profile, *, budget: float = 1.0, shift: float = 0.2, minimum: int = 20
) -> tuple[list[ColumnDrift], Signal]:
    """Hold a night against the reference, with 365 nights a year."""
    found = night if isinstance(night, Profile) else profile(reference.edges, pa.table(night))
    return drift(reference, found, false_alarms_per_year=budget, nights_per_year=365, input_shift=shift, minimum_rows=minimum)


def alarms(reference: Reference, night: dict[str, Any], *, budget: float, shift: float) -> bool:
    """Return whether a night alarms, as :func:`hold` says: a third of its work, as nothing is found beside the chances."""
    found = profile(reference.edges, pa.table(night))
    chances = moved_columns(reference, found, input_shift=shift, minimum_rows=20).p_values
    return min(chances) <= holm_level(chances, nightly_budget(budget, 365))


def test_a_night_alarms_where_a_chance_is_at_most_the_level() -> None:
    """Which is what the trials below count; here of nights of five columns, one of which moves ever further."""
    rng, reference, said = np.random.default_rng(11), known(five, 1000, 30), []
    for step in range(20):
        night = five(rng, 200)
        night["normal"] += step / 20
        said.append(hold(reference, night, budget=0.05 * 365, shift=0.2)[1].state is ALARM)
        assert alarms(reference, night, budget=0.05 * 365, shift=0.2) is said[-1]
    assert 5 < sum(said) < 15


@pytest.mark.parametrize("rows", [100, 1000])
def test_quiet_nights_alarm_no_more_often_than_the_budget(rows: int) -> None:
    """Without any tolerance, 200 nights like the reference's, at a nightly level of 5 % for five columns together."""
    rng, alarmed, trials = np.random.default_rng(rows), 0, 200
    for trial in range(trials):
        if not trial % 40:
            reference = learned(five, rows, 30, seed=trial)
        alarmed += alarms(reference, five(rng, rows), budget=0.05 * 365, shift=0.0)
    assert alarmed <= stats.binom.ppf(0.999, trials, 0.05)


@pytest.mark.parametrize("rows", [100, 1000])
def test_the_sampling_null_is_exact_enough_to_be_a_threshold(rows: int) -> None:
    """With one night of reference and no tolerance, false alarms of one column lie inside the binomial interval of 5 %."""
    rng, trials = np.random.default_rng(rows), 600
    alarmed = 0
    for trial in range(trials):
        if not trial % 50:
            reference = learned(one, 20_000, 1, seed=trial)
        alarmed += alarms(reference, one(rng, rows), budget=0.05 * 365, shift=0.0)
    assert stats.binom.ppf(0.0005, trials, 0.04) <= alarmed <= stats.binom.ppf(0.9995, trials, 0.05)


def test_nights_that_differ_for_innocent_reasons_alarm_no_more_often_than_the_budget() -> None:
    """Each night has a mean of its own (sd 1 between, 1 within); 30 reference nights teach that, at a nightly level of 1 %."""
    rng, trials, alarmed = np.random.default_rng(9), 500, 0
    for trial in range(trials):
        if not trial % 25:
            values = (rng.normal(size=(30, 1)) + rng.normal(size=(30, 100))).ravel()
            reference = reference_profile(pa.table({"x": values}), numeric=["x"], nights=np.repeat(np.arange(30), 100))
        night = {"x": rng.normal() + rng.normal(size=100)}
        alarmed += alarms(reference, night, budget=3.65, shift=0.2)
    assert alarmed <= stats.binom.ppf(0.999, trials, 0.01)


def test_half_a_standard_deviation_in_one_of_thirty_columns_is_found_on_the_first_night() -> None:
    """At 1000 rows and one false alarm a year, in at least 95 % of 40 nights; and it is that column."""
    rng, reference, found = np.random.default_rng(7), known(thirty, 1000, 30), 0
    for _ in range(40):
        night = thirty(rng, 1000)
        night["x17"] += 0.5
        columns, _ = hold(reference, night)
        found += [column.column for column in columns if column.state is ALARM] == ["x17"]
    assert found >= 38


@pytest.mark.parametrize("rows", [1000, 200_000])
def test_a_shift_below_the_tolerance_is_not_found_at_any_size(rows: int) -> None:
    """0.1 standard deviations, with 0.2 tolerated."""
    rng, reference = np.random.default_rng(8), known(one, 1000, 200)
    for _ in range(20):
        assert hold(reference, {"x": rng.normal(0.1, 1, rows)})[1].state is QUIET


def test_one_value_never_seen_in_a_thousand_rows_does_not_alarm() -> None:
    """The other 999 are as ever."""
    rng, reference = np.random.default_rng(3), known(five, 1000, 30)
    night = five(rng, 1000)
    night["fifty"][0] = "never seen"
    assert hold(reference, night)[1].state is QUIET


def test_three_in_a_hundred_never_seen_alarm() -> None:
    """A new category with 3 % of the rows is no accident."""
    rng, reference = np.random.default_rng(3), known(five, 1000, 30)
    night = five(rng, 1000)
    night["fifty"][:30] = "new"
    assert [column.column for column in hold(reference, night)[0] if column.state is ALARM] == ["fifty"]


def test_a_column_that_goes_missing_alarms() -> None:
    """90 % of it."""
    rng, reference = np.random.default_rng(4), known(five, 1000, 30)
    night = five(rng, 1000)
    night["normal"][:900] = np.nan
    assert [column.column for column in hold(reference, night)[0] if column.state is ALARM] == ["normal"]


def test_an_outlier_does_not_hide_a_shift() -> None:
    """Two standard deviations and a single 1e9."""
    rng, reference = np.random.default_rng(5), known(five, 1000, 30)
    night = five(rng, 1000)
    night["normal"] += 2
    alone = hold(reference, night)[0][0]
    night["normal"][0] = 1e9
    hidden = hold(reference, night)[0][0]
    assert hidden.state is ALARM
    assert hidden.psi is not None
    assert alone.psi is not None
    assert hidden.psi > 0.9 * alone.psi > 1


def test_fifty_categories_do_not_alarm_by_themselves() -> None:
    """100 nights of fifty categories at 200 rows and one false alarm a year."""
    rng, reference = np.random.default_rng(6), known(five, 200, 30)
    assert sum(alarms(reference, five(rng, 200), budget=1, shift=0.0) for _ in range(100)) <= 2


def test_a_constant_column_stays_quiet_until_it_changes() -> None:
    """It has no threshold as long as all rows agree, and alarms when the value is another."""
    rows = pa.table({"x": np.full(3000, 7.0)})
    reference = reference_profile(rows, numeric=["x"], nights=np.repeat(np.arange(30), 100))
    columns, signal = hold(reference, {"x": np.full(100, 7.0)})
    assert [column.model_copy(update={"beside": None}) for column in columns] == [
        ColumnDrift(column="x", psi=0.0, threshold=None, n=100, state=QUIET)
    ]
    assert columns[0].beside == Beside(p_value=1.0, listed=False, kolmogorov_smirnov=0.0, jensen_shannon=0.0)
    assert signal.sentence == "none of 1 columns moved; nearest: x PSI 0 nats, constant"
    assert hold(reference, {"x": np.full(100, 8.0)})[1].state is ALARM


def test_few_rows_are_no_evidence() -> None:
    """The answer is neither yes nor no, and says what is missing."""
    reference = known(one, 1000, 200)
    columns, signal = hold(reference, one(np.random.default_rng(1), 19))
    assert columns == [ColumnDrift(column="x", psi=None, threshold=None, n=19, state=INSUFFICIENT)]
    sentence = "19 rows against 200000 of the reference, 20 needed in each"
    assert signal == Signal(name="drift", kind="drift", state=INSUFFICIENT, value=None, threshold=None, n=19, sentence=sentence)


def test_no_rows_at_all_are_no_evidence_whatever_is_asked() -> None:
    """Even with a minimum of zero."""
    assert hold(known(one, 1000, 200), {"x": pa.array([], pa.float64())}, minimum=0)[1].state is INSUFFICIENT


def test_no_columns_are_nothing_to_watch() -> None:
    """A model of time-derived features only has no inputs that could drift."""
    reference = reference_profile(pa.table({"x": np.zeros(100)}), nights=np.zeros(100, np.int64))
    columns, signal = hold(reference, {"x": np.zeros(100)})
    assert (columns, signal.state, signal.sentence) == ([], QUIET, "no column is watched")


def test_few_reference_nights_are_said() -> None:
    """Then how nights usually differ is unknown, and only sampling and the tolerance count."""
    sentence = hold(known(one, 1000, 3), one(np.random.default_rng(1), 100))[1].sentence
    assert sentence.endswith("; only 3 reference nights, so how nights usually differ is not allowed for")


def test_the_signal_is_about_the_column_that_stands_out_most() -> None:
    """Its figure, its threshold, and all that moved in the sentence."""
    night = thirty(np.random.default_rng(2), 1000)
    night["x03"] += 1
    night["x05"] += 2
    columns, signal = hold(known(thirty, 1000, 30), night)
    assert (signal.value, signal.threshold, signal.n) == (columns[5].psi, columns[5].threshold, 1000)
    both = [
        f"{column.column} PSI {column.psi:.3g} nats, {column.threshold:.3g} allowed ({column.beside.parts[0]})"
        for column in columns
        if column.state is ALARM and column.beside
    ]
    assert signal.sentence == f"2 of 30 columns moved: {both[1]}; {both[0]}"


def test_the_state_is_what_figure_and_threshold_say() -> None:
    """Alarm exactly where PSI reaches the threshold, for all columns of a night in which many moved a little."""
    night = {name: values + 0.03 * int(name[1:]) for name, values in thirty(np.random.default_rng(3), 1000).items()}
    columns, _ = hold(known(thirty, 1000, 30), night)
    states = [column.psi is not None and column.threshold is not None and column.psi >= column.threshold for column in columns]
    assert states == [column.state is ALARM for column in columns]
    assert 0 < sum(states) < 30


def test_a_night_over_other_edges_is_refused() -> None:
    """It was profiled for another champion."""
    with pytest.raises(DataError, match="PROFILE_EDGES"):
        hold(known(one, 1000, 3), profile(known(one, 1000, 200).edges, []))


def test_holm_by_hand() -> None:
    """.005 and .01 pass .05/4 and .05/3, .03 fails .05/2; with all rejected the last step's level stands."""
    assert holm_level([0.01, 0.04, 0.03, 0.005], 0.05) == 0.025
    assert holm_level([0.001, 0.002], 0.05) == 0.05
    assert holm_level([0.5, 0.6], 0.05) == 0.025
    assert holm_level([], 0.05) == 0.05


def test_sparse_bins_join_their_neighbours() -> None:
    """Ordinary bins need an expected 5 rows of the night, those that stand apart 0.2."""
    reference, night = np.array([300, 20, 20, 20, 640, 0, 0]), np.array([30, 2, 2, 2, 62, 2, 0])
    assert bins_in_use(reference, night, 5).tolist() == [0, 1, 4]
    assert bins_in_use(reference, night + np.array([0, 0, 0, 0, 0, 1, 0]), 5).tolist() == [0, 1, 4, 5]


def test_a_tolerated_shift_is_about_its_square_in_nats() -> None:
    """For many bins of a normal variable, and less for two."""
    assert tolerated_psi(np.full(30, 10**6), 0.2) == pytest.approx(0.04, rel=0.02)
    cut = stats.norm.cdf(-0.2)
    assert tolerated_psi(np.full(2, 10**9), 0.2) == pytest.approx((0.5 - cut) * math.log((1 - cut) / cut), rel=1e-6)


def test_the_sampling_null_is_the_noncentral_chi_squared() -> None:
    """p-value and threshold are each other's inverse, and those of the stated distribution."""
    reference, night = np.full(10, 1000), np.full(10, 100)
    null, scale = night_null(reference, night, np.empty((0, 10), np.int64), 0.2), sampling_scale(1000, 10_000)
    expected = stats.ncx2.isf(0.001, 9, tolerated_psi(reference, 0.2) / scale) * scale
    assert null.threshold(0.001) == pytest.approx(expected)
    assert null.p_value(null.threshold(0.001)) == pytest.approx(0.001)


@pytest.mark.parametrize("shift", [0.0, 0.2, 2.0])
@pytest.mark.parametrize("rows", [20, 10**6, 10**9])
def test_the_null_holds_at_any_size(rows: int, shift: float) -> None:
    """Threshold and p-value agree and are finite, from a handful of rows to a thousand million."""
    reference, night = np.full(20, rows), np.full(20, rows // 20)
    null = night_null(reference, night, np.tile(night, (20, 1)), shift)
    threshold = null.threshold(1e-4)
    assert 0 < threshold < math.inf
    assert null.p_value(threshold) == pytest.approx(1e-4, rel=1e-3)
    assert null.p_value(2 * threshold) < 1e-4 < null.p_value(threshold / 2)
    assert null.p_value(1e6) == pytest.approx(0.0, abs=1e-12)


def test_natural_differences_between_nights_raise_the_threshold() -> None:
    """Nights that swing between two halves allow for more than equal nights do."""
    reference, night = np.full(10, 1000), np.full(10, 100)
    swinging = np.tile([[150] * 5 + [50] * 5, [50] * 5 + [150] * 5], (5, 1))
    equal = np.full((10, 10), 100)
    nulls = [night_null(reference, night, nights, 0.0) for nights in (swinging, equal)]
    assert nulls[0].threshold(0.001) > 3 * nulls[1].threshold(0.001)
    assert nulls[0].p_value(nulls[0].threshold(0.001)) == pytest.approx(0.001)


def test_figures_beside_the_test_are_those_of_scipy() -> None:
    """Chi-squared of the bins in use, and KS of the values to the binning error; reported, and deciding nothing."""
    rng, reference = np.random.default_rng(12), known(one, 1000, 30)
    before = np.random.default_rng(0).normal(size=30_000)  # what the reference was drawn from
    night = one(rng, 1000)
    beside = hold(reference, night)[0][0].beside
    assert beside is not None
    expected = stats.ks_2samp(before, night["x"]).statistic
    assert beside.kolmogorov_smirnov == pytest.approx(expected, abs=1.5 / 173)  # the root of 30 000 rows is 173 fine bins
    assert beside.wasserstein == pytest.approx(stats.wasserstein_distance(before, night["x"]), abs=0.02)
    edges = reference.edges.columns[0]
    past, now = (
        edges.test_counts(np.array(part.counts["x"])) for part in (reference.total, profile(reference.edges, pa.table(night)))
    )
    starts = bins_in_use(past, now, edges.test_ordinary)
    table = stats.chi2_contingency([np.add.reduceat(part, starts) for part in (past, now)], correction=False)
    assert beside.chi_squared == pytest.approx(table.statistic)
    assert beside.chi_squared_freedom == table.dof
    assert beside.chi_squared_p == pytest.approx(table.pvalue)


def test_figures_of_a_column_are_the_same_whatever_columns_stand_beside_it() -> None:
    """Columns with equally many bins are worked out together."""
    reference = learned(lambda rng, rows: five(rng, rows) | {"also": rng.normal(size=rows)}, 200, 30)
    rng = np.random.default_rng(4)
    night = five(rng, 200) | {"also": rng.normal(0.5, size=200)}
    figures = {"kolmogorov_smirnov", "wasserstein", "jensen_shannon", "chi_squared", "chi_squared_freedom", "chi_squared_p"}
    for column, edges in zip(hold(reference, night)[0], reference.edges.columns, strict=True):
        alone = hold(reference.only(edges.__eq__), night)[0][0]
        assert column.beside is not None
        assert alone.beside is not None
        assert column.beside.model_dump(include=figures) == pytest.approx(alone.beside.model_dump(include=figures), rel=1e-9)


def test_five_in_a_hundred_never_seen_are_said_with_what_is_allowed() -> None:
    """The share, and no value."""
    rng, reference = np.random.default_rng(3), known(five, 1000, 30)
    night = five(rng, 1000)
    night["fifty"][:50] = "a secret"
    columns, signal = hold(reference, night)
    beside = columns[-1].beside
    assert beside is not None
    assert beside.unseen == 0.05
    assert beside.unseen_allowed is not None
    assert beside.unseen_allowed < 0.03
    assert f", 5 % never seen before, {100 * beside.unseen_allowed:.2g} % allowed (" in signal.sentence
    assert "never seen before: 0 % before, 5 % now" in beside.parts
    assert "secret" not in signal.model_dump_json() + columns[-1].model_dump_json()


def test_columns_that_are_worth_a_look_are_listed_beside_the_alarm() -> None:
    """0.8 standard deviations in five of thirty columns, at 200 rows and little budget: no alarm, but a list."""
    night = thirty(np.random.default_rng(2), 200)
    for number in range(5):
        night[f"x{number:02}"] += 0.8
    columns, signal = hold(known(thirty, 1000, 30), night, budget=1e-7)
    listed = [column.column for column in columns if column.beside and column.beside.listed]
    assert signal.state is QUIET
    assert set(listed) >= {"x00", "x01", "x02", "x03", "x04"}
    assert "; to look at, with 5 % false ones among such (Benjamini-Hochberg): " in signal.sentence
    assert all(column.beside and column.beside.parts for column in columns if column.column in listed)


def test_a_night_is_held_against_its_own_weekday_and_the_sentence_says_so() -> None:
    """Where the reference has four of them: day 1 was a Friday."""
    reference = known(one, 1000, 30)
    counts = profile(reference.edges, pa.table(one(np.random.default_rng(1), 1000)))
    _, signal = drift(
        reference, counts, false_alarms_per_year=1, nights_per_year=365, input_shift=0.2, minimum_rows=20, number=1 + 7 * 6
    )
    assert signal.sentence.endswith("; held against 5 Fridays")
