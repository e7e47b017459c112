"""The judge of the monitoring: what it draws is what it says, what is wrong stands out, and every table is made at a tiny size."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import reference_profile
from perennial.monitoring.psi import psi_by_row

COLUMNS = 15


@pytest.mark.parametrize("place", range(COLUMNS - 1))
def test_nights_that_are_drawn_as_counts_are_like_nights_that_are_drawn_as_rows(script: Any, place: int) -> None:
    """Each bin has the share of rows that is said, as 20 000 rows show: none lies beyond one in a million.

    All but the last column, of which no night is like the others.
    """
    module, rng = script("judge_columns"), np.random.default_rng(place)
    assert len(module.COLUMNS) == COLUMNS
    column = module.COLUMNS[place]
    kinds = {"x": "categorical" if isinstance(column, module.Values) else "numeric"}
    known = reference_profile(pa.table({"x": column.rows(rng, 3000)}), watched=kinds, nights=np.zeros(3000, np.int64))
    found = np.array(profile(known.edges, pa.table({"x": column.rows(rng, 20_000)})).counts["x"])
    shares = column.shares(rng, known.edges.columns[0])
    assert math.isclose(shares.sum(), 1)
    assert (stats.binom.cdf(found, 20_000, np.clip(shares, 0, 1)) > 1e-6).all()
    assert (stats.binom.sf(found - 1, 20_000, np.clip(shares, 0, 1)) > 1e-6).all()


def test_nights_that_differ_have_means_that_differ(script: Any) -> None:
    """By 0.3 standard deviations, as the name says."""
    module, rng = script("judge_columns"), np.random.default_rng(3)
    means = [module.COLUMNS[-1].rows(rng, 400).to_numpy().mean() for _ in range(200)]
    assert 0.25 < np.std(means) < 0.36


def test_more_alarms_than_the_budget_stand_out(script: Any) -> None:
    """40 of 400 nights are beyond every chance at 5 %, 35 are not."""
    module = script("judge_nights")
    assert [module.cell(found, 400, 0.05) for found in (35, 40)] == ["8.8", "**10.0**"]


def test_a_column_that_moves_after_its_reference_alarms(script: Any) -> None:
    """The count is of alarms, not of something that is always zero."""
    columns, nights = script("judge_columns"), script("judge_nights")
    rng = np.random.default_rng(1)
    known = nights.learned(rng, columns.normal(), 500)
    moved = known.night(rng, 500, columns.normal(moved=1.0))
    assert nights.alarms(known.p_values(moved, 0.2), 0.001)
    assert not nights.alarms(known.p_values(known.night(rng, 500), 0.2), 0.001)


def test_large_nights_are_drawn_as_counts_with_all_their_rows(script: Any) -> None:
    """A million rows a night; the bins come from fewer."""
    columns, nights = script("judge_columns"), script("judge_nights")
    known = nights.learned(np.random.default_rng(1), columns.normal(), 1_000_000)
    assert known.nights.sum(axis=1).tolist() == [1_000_000] * nights.NIGHTS


@pytest.mark.parametrize(
    ("name", "tables", "smaller"),
    [
        ("quiet", 3, {"SIZES": (100, 1000), "WHOLE": ((3, 100),)}),
        ("power", 1, {"SIZES": (100, 1000), "SHIFTS": (0.5,), "COLUMNS": 3}),
        ("differ", 1, {"REFERENCES": (30,)}),
        ("decay", 1, {"SIZES": (400,)}),
    ],
)
def test_each_table_is_made(script: Any, name: str, tables: int, smaller: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two nights a cell; every line of a table has as many cells as its head, and is told while it is made."""
    module = script(f"judge_{name}")
    for constant, value in smaller.items():
        monkeypatch.setattr(module, constant, value)
    said: list[str] = []
    lines = module.report(2, None, said.append)
    heads = [place for place, line in enumerate(lines) if line.startswith("| ---")]
    assert len(heads) == tables
    for head in heads:
        widths = [line.count("|") for line in lines[head - 1 :]]
        table = widths[: widths.index(0)] if 0 in widths else widths
        assert len(set(table)) == 1
        assert len(table) > 2
    assert set(said) <= set(lines)


def test_how_often_nights_that_differ_alarm_is_what_drawing_says(script: Any) -> None:
    """At a threshold that one night in ten passes, of 4 000 whose means differ by Student's distribution."""
    module, rng = script("judge_differ"), np.random.default_rng(1)
    effect, rows = module.EFFECTS[-1], module.ROWS
    usual = np.round(module._usual(effect) * rows * 60).astype(np.int64)
    nights = rng.multinomial(rows, module._shares(effect.deviation * effect.draw(rng, 4000)))
    found = psi_by_row(usual, nights)
    threshold = float(np.quantile(found, 0.9))
    assert module._chances(effect, np.array([threshold, threshold]), 60)[0] == pytest.approx(0.1, abs=0.015)


def test_the_rates_of_decay_are_what_is_said(script: Any) -> None:
    """0.12 before and 0.17 after; where errors of a night are alike, nights differ by more than chance makes them."""
    module = script("judge_decay")
    rng, rates = np.random.default_rng(1), np.full(4000, module.BEFORE)
    apart, alike = (module.Looking("", 100, 0.0, one, 20.0).drawn(rng, rates, 1)[0] for one in (0.0, module.ALIKE))
    variance = module.BEFORE * (1 - module.BEFORE) / 100
    assert apart.mean() == pytest.approx(module.BEFORE, abs=0.002)
    assert apart.var() / variance == pytest.approx(1, abs=0.1)
    assert alike.var() / variance == pytest.approx(1 + 99 * module.ALIKE, abs=0.3)


def test_a_setting_of_peers_has_what_it_says(script: Any) -> None:
    """One value in a thousand rows that is new and nothing else; a column of which 90 % are missing; PSI that bears an outlier."""
    module = script("judge_peers")
    settings = {setting.key: setting for setting in module.SETTINGS}
    old, new = settings["unseen"].made(1)
    before, after = (sorted(table["x00000"].to_pylist()) for table in (old, new))
    assert after[-1] == "never seen before"
    assert len(set(after) - set(before)) == 1
    gone = settings["gone"].made(1)[1]["x00000"]
    assert 850 < gone.null_count < 950
    assert [module.ours(settings[key], *settings[key].made(5)) for key in ("unseen", "gone")] == [(0, 0), (5, 5)]
    plain, far = (
        module.measured(setting, old["x00000"], new["x00000"])[1].psi
        for setting in module.FIGURES
        for old, new in [module._moved(setting, 1)]
    )
    assert far == pytest.approx(plain, rel=0.02)


def test_a_peer_that_is_not_installed_is_told(script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells say so, and the reason stands below."""
    module = script("judge_peers")
    monkeypatch.setattr(module, "python_of", lambda _: Path(sys.executable))
    assert module._asked("nannyml", tmp_path, 1) == "its environment is not there (`make judge` makes it)"
    monkeypatch.setattr(module, "SETTINGS", module.SETTINGS[5:6])
    lines = module.report(1, None, lambda _: None)
    assert "| not measured |" in lines[2]
    assert lines[-1] == "- NannyML was not measured: its environment is not there (`make judge` makes it)"


def test_real_sets_that_are_not_there_are_told(script: Any) -> None:
    """Nothing needs the folder."""
    absent = "- Not measured: no folder with the sets was named (`make judge DATA=folder`)."
    assert [script(f"judge_{name}").report(1, None, print) for name in ("data", "real_decay")] == [[absent], [absent]]


def test_shuffled_nights_are_quiet_and_a_break_is_seen_as_it_came(script: Any, tmp_path: Path) -> None:
    """A set of 200 days whose only column jumps by two standard deviations after 150."""
    module, rng = script("judge_data"), np.random.default_rng(5)
    day = np.repeat(np.arange(200), 48)
    at = np.datetime64("2020-01-01", "us") + (day * 24 * 60 + np.tile(np.arange(48), 200) * 30).astype("timedelta64[m]")
    rows = rng.normal(size=day.size) + 2 * (day >= 150)
    pq.write_table(pa.table({"ts": at, "passengers": rows}), tmp_path / "nyc_taxi_halfhourly.parquet")
    lines = module.report(60, tmp_path, lambda _: None)
    assert lines[2].startswith("| nyc_taxi_halfhourly | 60 | ")
    assert "**" not in lines[2]
    assert lines[-1] == "| nyc_taxi_halfhourly | 60 nights | 140 | 1.0 of 1 | 50 | 130 | 2020-05-30 |"


def test_parts_are_named_by_their_beginnings(script: Any) -> None:
    """All without a name."""
    named = script("judge").named
    assert named("") == ["quiet", "differ", "power", "decay", "baseline", "peers", "data", "real_decay"]
    assert named("de,qu") == ["quiet", "decay"]
    with pytest.raises(SystemExit, match="no part of that name; there are quiet, differ, power"):
        named("nothing")


def test_a_section_keeps_the_paragraphs_of_its_module(script: Any) -> None:
    """The first line is its heading."""
    found = script("judge").section("Title.\n\nOne\ntwo.\n\n- three\n", ["| table |"])
    assert found == ["", "## Title", "", "One", "two.", "", "- three", "", "| table |"]


@pytest.mark.parametrize(
    ("name", "find", "said"),
    [
        ("uk_daily_flights", "flights", ["first alarm on 2020-03-21", "since 2020-03-15", "met (within 7 days)"]),
        ("bank_marketing", "bank", ["first alarm on 2008-10-27", "since 2008-10-17"]),
        ("nannyml_ma_employment", "employment", ["of 41 chunks alarms in 27, 28, met"]),
    ],
)
def test_the_break_of_a_real_set_is_found(script: Any, real: Path, name: str, find: str, said: list[str]) -> None:
    """The end of flying, the crisis of 2008, a model that fails: the sets are no part of the project, and may be absent."""
    path = real / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"there is no {path.name} in the folder of real data")
    found = getattr(script("judge_real_decay"), find)(path)
    assert [part for part in said if part not in found] == []
