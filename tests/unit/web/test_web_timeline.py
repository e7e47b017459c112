"""The plot of a model's nights: the line, and an axis that fits one night as well as three years."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.core.health import Night
from perennial.core.interval import Interval
from perennial.core.receipts import Action, Promotion, PromotionKind
from perennial.testing.story import day, night
from perennial.web.plots.calendar import dates, named
from perennial.web.plots.svg import line
from perennial.web.plots.timeline import WIDTH, timeline_plot
from perennial.web.views.timeline import Timeline, timeline

FOUR_MONTHS = timedelta(days=120)
TICK = re.compile(r'<text class="tick" x="([\d.]+)" y="316" text-anchor="(\w+)">([^<]+)<')
ZONE = re.compile(r'<rect class="night" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"')


def reigned(nights: list[Night]) -> Timeline:
    """Return six nights with a champion since the third."""
    promotion = Promotion(
        model="m", epoch=1, version="v", kind=PromotionKind.PROMOTE, effective_from=day(2), reason="better", actor="airflow"
    )
    return timeline(Interval(day(0), day(6)), None, nights=nights, promotions=[promotion], evaluations=[], requests=[])


def test_a_timeline_has_each_night_and_interrupts_the_line_where_one_has_no_loss() -> None:
    """A gap is a gap."""
    nights = [
        Night(
            interval=night(number), action=Action.KEEP, sentence="ok", decision="d", predicted=2, labelled=2, loss=loss, square=9.0
        )
        for number, loss in ((0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 1.5))
    ]
    found = reigned(nights)
    plot = str(timeline_plot(found, "/night?at="))
    line = plot.partition('class="loss" d="')[2].partition('"')[0]
    assert (line.count("M"), line.count("L")) == (2, 2)
    assert plot.count('href="/night?at=2024-03-0') == 5
    assert 'aria-label="5 nights: 5 keep. Loss 1 to 2, last 1.5. Labels for 100 % of the predictions. 1 champions' in plot
    assert [reign.until for reign in found.reigns] == [day(6)]


def young(many: int, *, length: timedelta = timedelta(days=1), labelled: bool = True) -> str:
    """Return the plot of four months of which only the last *many* nights are known."""
    start = datetime(2024, 3, 1, 2, tzinfo=UTC)
    known = {"labelled": 9, "loss": 1.0, "square": 2.0, "baseline": 2.0} if labelled else {}
    nights = [
        Night(interval=Interval(start + length * place, start + length * (place + 1)), predicted=9, **known)
        for place in range(many)
    ]
    end = nights[-1].interval.end
    found = timeline(Interval(end - FOUR_MONTHS, end), None, nights=nights, promotions=[], evaluations=[], requests=[])
    return str(timeline_plot(found))


def test_a_model_of_one_night_has_room_for_a_week() -> None:
    """Its one night is a seventh of the width, at the right, above days that are named."""
    plot = young(1)
    assert ZONE.findall(plot) == [("821.7", "128.3")]
    assert [said for _, _, said in TICK.findall(plot)] == [
        *("25 Feb 2024", "26 Feb", "27 Feb", "28 Feb", "29 Feb", "01 Mar", "02 Mar"),
    ]


@pytest.mark.parametrize("many", [7, 10, 40])
def test_the_time_before_the_first_night_is_not_drawn(many: int) -> None:
    """The nights that are known fill the width, whatever was asked for."""
    zones = ZONE.findall(young(many))
    assert float(zones[0][0]) == 52.0
    assert sum(float(width) for _, width in zones) == pytest.approx(898, abs=0.05 * many)


def test_what_came_before_the_first_night_is_drawn() -> None:
    """A promotion four days before it is, and so is all that was asked for of a model that is older than that."""
    found = reigned([Night(interval=night(5), predicted=3)])
    older = found.reigns[0].promotion.model_copy(update={"effective_from": day(-9)})
    assert 'd="M52.0 26V222"' not in str(timeline_plot(found))
    long = Interval(day(-30), day(6))
    known = timeline(long, None, nights=found.nights, promotions=[older], evaluations=[], requests=[])
    assert 'class="promotion promote" d="M52.0 26V222"' in str(timeline_plot(known))
    standing = timeline(
        long,
        None,
        nights=found.nights,
        promotions=[older.model_copy(update={"effective_from": day(-99)})],
        evaluations=[],
        requests=[],
    )
    assert ZONE.findall(str(timeline_plot(standing))) == [("925.1", "24.9")]


@given(many=st.integers(1, 150), minutes=st.sampled_from([15, 60, 360, 1440, 10080]))
def test_the_dates_of_a_timeline_are_there_and_apart(many: int, minutes: int) -> None:
    """At least two, of nights of any length, and none reaches into another one or out of the picture."""
    ends = [0.0]
    for x, anchor, said in TICK.findall(young(many, length=timedelta(minutes=minutes))):
        width = 5.6 * len(said)
        left = float(x) - (width if anchor == "end" else width / 2)
        assert left >= ends[-1]
        ends.append(left + width)
    assert len(ends) > 2
    assert ends[-1] <= WIDTH


def test_hours_are_named_where_nights_are_hours() -> None:
    """The first by its day and year, and midnight by its day."""
    said = [found[2] for found in TICK.findall(young(30, length=timedelta(hours=1)))]
    assert said == ["01 Mar 2024 06:00", "12:00", "18:00", "02 Mar", "06:00"]


def test_without_a_loss_there_is_no_scale_of_losses() -> None:
    """The plot says why, in place of figures that nobody measured."""
    assert "No loss is known yet: it is measured when labels come." in young(3, labelled=False)
    assert 'class="grid"' not in young(3, labelled=False)
    assert "No loss" not in young(3)


def test_a_baseline_of_one_night_is_a_line() -> None:
    """Of the night's width; a path through one point would not be seen."""
    assert 'class="baseline" d="M821.7 47.9H950.0"' in young(1)
    assert line([(0, 1), (1, 2)], alone=3) == "M0.0 1.0L1.0 2.0"


@given(hours=st.integers(1, 30_000))
def test_dates_are_round_and_few(hours: int) -> None:
    """Of any time that is looked at; beyond a few days they are midnights."""
    start = datetime(2024, 2, 11, 2, 30, tzinfo=UTC)
    end = start + timedelta(hours=hours)
    found = dates(start, end)
    assert len(found) <= 9
    assert all(start <= at <= end and (at.hour == 0 or hours <= 96) and at.minute % 5 == 0 for at in found)


def test_a_new_year_is_named() -> None:
    """And the first date always says which it is of."""
    assert named([day(0) - timedelta(days=90), day(0) - timedelta(days=60), day(0)]) == ["02 Dec 2023", "01 Jan 2024", "01 Mar"]


def test_there_may_be_earlier_nights_where_the_first_leaves_no_room_before_it() -> None:
    """Or where the champion is older; a model that began within what is shown has none."""
    whole, late = (reigned([Night(interval=night(number), predicted=3)]) for number in (0, 1))
    assert (whole.earlier, late.earlier) == (day(0), None)
    older = late.reigns[0].promotion.model_copy(update={"effective_from": day(-1)})
    assert late.model_copy(update={"reigns": (late.reigns[0].model_copy(update={"promotion": older}),)}).earlier == day(0)
