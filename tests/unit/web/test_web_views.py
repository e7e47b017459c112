"""What pages are made of: figures, scales, plots, the fleet in order, histograms over the same bins."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.health import Night, Sketch, Standing
from perennial.core.receipts import Action, PromotionKind, Role
from perennial.monitoring.counting.profile import profile
from perennial.monitoring.counting.reference import reference_profile
from perennial.testing.story import day, night
from perennial.web.kept import Kept
from perennial.web.lately import Lately
from perennial.web.plots.histogram import histogram_plot
from perennial.web.plots.scale import Scale, ticks, top
from perennial.web.plots.sparkline import sparkline
from perennial.web.plots.svg import element
from perennial.web.views.columns import MOST_VALUES, histogram
from perennial.web.views.fleet import Order, Show, beside, chosen, counts, ordered


def test_the_interval_of_a_mean_loss_is_that_of_its_standard_error() -> None:
    """Losses 1 and 3: mean 2, standard error 1, and 1.96 of them to each side; never below 0."""
    seen = Night(interval=night(0), predicted=2, labelled=2, loss=2.0, square=5.0)
    assert [seen.low, seen.high] == pytest.approx([2 - 1.959964, 2 + 1.959964])
    assert Night(interval=night(0), labelled=2, loss=0.1, square=5.0).low == 0.0
    assert Night(interval=night(0), labelled=1, loss=2.0, square=4.0).high is None
    assert Night(interval=night(0)).low is None


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6))
def test_ticks_are_round_and_lie_inside(low: float, span: float) -> None:
    """Whatever the range; and there are some, but not many."""
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 6
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in found)


def test_a_scale_of_one_value_stays_at_its_start() -> None:
    """And does not divide by nothing."""
    assert (Scale(1, 1, 10, 20)(1), Scale(0, 10, 0, 100)(2.5), top([None, math.nan, 3.0]), top([])) == (10, 25, 3.0, 1.0)


def test_what_stands_in_svg_is_text() -> None:
    """In attributes as in elements."""
    assert str(element("text", "<b>", aria_label='"x"')) == '<text aria-label="&#34;x&#34;">&lt;b&gt;</text>'


def test_a_sketch_compares_the_newest_night_that_both_have() -> None:
    """The champion may be a night ahead of the baseline."""
    nights = {Role.CHAMPION: (1.0, 2.0, 3.0), Role.BASELINE: (1.0, 2.0)}
    sketch = Sketch(nights=nights, losses={Role.CHAMPION: (5.0, 4.0, 9.0), Role.BASELINE: (10.0, 8.0)})
    found = beside(sketch)
    assert (found.loss, found.baseline, found.ratio) == (4.0, 8.0, 0.5)
    assert beside(Sketch(nights={}, losses={})).loss is None
    assert 'aria-label="Loss 9, baseline 8"' in str(sparkline(sketch))
    assert str(sparkline(Sketch(nights={}, losses={}))) == ""


@pytest.fixture
def fleet() -> list[Standing]:
    """Three models: one quiet, one that waits, one retired."""
    return [
        Standing(model="c", epoch=1, version="v", action=Action.KEEP, drift=0.2, night=night(1), since=day(1)),
        Standing(model="a", epoch=1, version="v", action=Action.QUARANTINE, drift=None, night=night(2), waits="e"),
        Standing(model="b", kind=PromotionKind.RETIRE, epoch=2, action=Action.HOLD, drift=1.5, request="r"),
    ]


@pytest.mark.parametrize(
    ("order", "down", "expected"),
    [
        (Order.MODEL, False, "abc"),
        (Order.MODEL, True, "cba"),
        (Order.DRIFT, True, "bca"),
        (Order.DECISION, False, "abc"),
        (Order.NIGHT, True, "acb"),
        (Order.WAITING, False, "abc"),
        (Order.LOSS, True, "bac"),
        (Order.NEXT, False, "cab"),
    ],
)
def test_the_fleet_is_in_order(fleet: list[Standing], order: Order, down: bool, expected: str) -> None:
    """Equal ones by name; what has no figure is least, what has no next run comes last."""
    ratios = {("b", "all"): 0.9, ("a", "all"): 0.5}
    found = ordered(fleet, order, down=down, ratios=ratios, runs={"score_c": day(1)})
    assert "".join(one.model for one in found) == expected


def test_the_fleet_is_parted_and_counted(fleet: list[Standing]) -> None:
    """Each part by what it is called."""
    assert counts(fleet) == {"all": 3, "attention": 1, "waiting": 1, "requested": 1, "quarantine": 1, "retired": 1}
    assert [one.model for one in chosen(fleet, "QUARANTINE a", Show.ALL)] == ["a"]
    assert chosen(fleet, "", Show.RETIRED)[0].model == "b"


def test_a_histogram_holds_both_over_the_same_bins() -> None:
    """Shares add up to one on each side; what was never seen stands apart."""
    before = pa.table({"wet": [f"value {n % 20}" for n in range(400)], "heat": np.arange(400) / 10})
    reference = reference_profile(before, numeric=["heat"], categorical=["wet"], nights=np.arange(400) // 40)
    now = profile(reference.edges, pa.table({"wet": ["new"] * 5 + ["value 1"] * 5, "heat": [1e9] * 10}))
    for edges in reference.edges.columns:
        bins = histogram(edges, reference.total, now)
        assert sum(one.before for one in bins) == pytest.approx(1)
        assert sum(one.now for one in bins) == pytest.approx(1)
        assert [(one.holds, one.now) for one in bins if one.apart and one.now] == [("above", 1.0)] or len(bins) <= MOST_VALUES + 3
        assert f"{edges.name}. Moved most" in str(histogram_plot(edges.name, bins))
    assert str(histogram_plot("nothing", ())).startswith("<svg")


def test_what_is_kept_is_worked_out_once_and_not_for_ever() -> None:
    """The one that was asked for longest ago goes first."""
    kept, made = Kept(most=2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.once(key, lambda key=key: made.append(key) or key)  # type: ignore[misc,func-returns-value]
    assert made == ["a", "b", "c", "b"]


def test_what_was_read_lately_is_not_read_again() -> None:
    """Until it is too old; and a clock that was set back reads anew."""
    lately, read = Lately[int](), []

    def ask(at: float) -> int:
        return lately.get("all", day(at), timedelta(days=1), lambda: len(read.append(at) or read))  # type: ignore[func-returns-value]

    assert [ask(0), ask(0.5), ask(1), ask(0.9)] == [1, 1, 2, 3]


def test_who_asks_while_it_is_read_waits_for_that() -> None:
    """And whoever asks for something else does not."""
    lately, reading, go_on = Lately[str](most=2), Event(), Event()

    def slowly() -> str:
        reading.set()
        assert go_on.wait(120)
        return "read once"

    with ThreadPoolExecutor(3) as people:
        first = people.submit(lately.get, "one", day(0), timedelta(days=1), slowly)
        assert reading.wait(120)
        second = people.submit(lately.get, "one", day(0), timedelta(days=1), lambda: "read twice")
        assert lately.get("other", day(0), timedelta(days=1), lambda: "other") == "other"
        go_on.set()
        assert (first.result(120), second.result(120)) == ("read once", "read once")


def test_only_so_many_things_are_held() -> None:
    """Those that were asked for last."""
    lately, read = Lately[str](most=2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        lately.get(key, day(0), timedelta(days=1), lambda key=key: read.append(key) or key)  # type: ignore[misc,func-returns-value]
    assert read == ["a", "b", "c", "b"]
