"""The page: tables and drawings of a backtest in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from html import escape

from perennial.backtest.findings import Findings, TriedPolicy
from perennial.backtest.report.canvas import svg
from perennial.backtest.report.drawings import pareto, staleness, timeline
from perennial.core.receipts import Estimate

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem } h3 { font-size: 1rem; margin: 1.2rem 0 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #e3e3e3; vertical-align: top }
td.n, th.n { text-align: right } svg { max-width: 100%; height: auto } p.note { color: #5c5c5c; font-size: .9rem }
pre { background: #f5f5f5; padding: .8rem; overflow: auto } .said { font-size: 1.1rem }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing is loaded from anywhere, and no script runs, whatever a definition's texts hold."""


def page(found: Findings) -> str:
    """Return the report as HTML.

    Raises:
        RejectedError: SETTING_MISSING, matplotlib is not installed.
    """
    title = escape(f"When does retraining pay? {found.model}")
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            *_said(found),
            *_policies(found),
            *_drawn(found),
            *_controls(found),
            *_monitoring(found),
            *_timelines(found),
            "</body>\n</html>\n",
        ]
    )


def _said(found: Findings) -> Iterator[str]:
    span = f"{found.within.start:%d %B %Y} to {found.within.end:%d %B %Y}"
    nights = f"{found.nights} nights that every policy predicted ({found.left_out} others are left out)"
    fits = f"{found.fits} models were fitted of {found.asked} asked for"
    yield f'<p class="note">{span}, {nights}. Loss: {escape(found.loss)}. {fits}.</p>'
    if found.recommendation is not None:
        yield f'<p class="said">{escape(found.recommendation.sentence)}</p>'
        yield f"<pre>{escape(found.recommendation.lines)}</pre>"


def _policies(found: Findings) -> Iterator[str]:
    yield "<h2>Policies</h2>"
    head = ("policy", "loss", "below never", "worst 30 nights", "retrained", "refused", "alarms", "faults", "fits, s", "cost")
    rows = [_row(one) for one in found.policies]
    costs = any(one.cost is not None for one in found.policies)
    yield _table(head if costs else head[:-1], rows if costs else [row[:-1] for row in rows])
    yield (
        '<p class="note">In brackets the 95 % interval, from a bootstrap over blocks of '
        f"{found.block} nights. Alarms and faults are nights.</p>"
    )


def _row(one: TriedPolicy) -> tuple[str, ...]:
    gain = "" if one.gain is None else _range(one.gain)
    counts = map(str, (one.retrainings, one.refused, one.alarms, one.faults, f"{one.seconds:.1f}"))
    return one.policy.name, _range(one.loss), gain, f"{one.worst:.4g}", *counts, "" if one.cost is None else f"{one.cost:.4g}"


def _drawn(found: Findings) -> Iterator[str]:
    yield "<h2>Loss against retrainings</h2>"
    yield svg(partial(pareto, found), width=8, height=4.2, title="Loss of each policy against its retrainings")
    yield '<p class="note">Blue: no other policy loses less with as few retrainings.</p>'
    if found.staleness:
        yield "<h2>Loss by age</h2>"
        yield svg(partial(staleness, found), width=8, height=3.4, title="Loss by the age of what the model knows")
        yield '<p class="note">Age: how long before the night the model\'s knowledge ends.</p>'


def _controls(found: Findings) -> Iterator[str]:
    yield "<h2>Controls</h2>"
    rows = [(one.name, _range(one.loss), str(one.retrainings), one.sentence) for one in found.controls]
    yield _table(("control", "loss", "retrained", "what it is"), rows)


def _monitoring(found: Findings) -> Iterator[str]:
    if found.monitoring is None:
        return
    calibration = found.monitoring.calibration
    yield "<h2>The settings of the monitoring</h2>"
    raised = [
        (one.signal, str(one.nights), str(one.alarms), "insufficient evidence" if one.a_year is None else f"{one.a_year:.1f}")
        for one in calibration.raised
    ]
    allowed = f"alarms a year, {calibration.allowed:g} false ones allowed"
    yield _table(("signal", "nights with an answer", "alarms", allowed), raised)
    rows = [
        (one.setting, *(f"{rate:.1f}" for rate in (one.as_they_were, one.without_drift, one.at_most)))
        for one in calibration.settings
    ]
    yield _table(("setting", "nights with an alarm of an input column a year", "without drift", "at most"), rows)
    shifts = [(one.column, _shift(one.shift.get("budget"))) for one in calibration.shifts]
    yield _table(("column", "smallest shift that is seen, in standard deviations"), shifts)
    delays = [
        (f"{100 * one.increase:.0f} %", "more than a year" if one.nights is None else str(one.nights)) for one in calibration.delays
    ]
    yield _table(("rise of the loss", "nights with labels until it is seen"), delays)
    yield f"<p>Under the policy {escape(found.monitoring.policy)}: {escape(found.monitoring.advice)}</p>"


def _shift(number: float | None) -> str:
    return "more than 4" if number is None else f"{number:.2f}"


def _timelines(found: Findings) -> Iterator[str]:
    never = next((line for line in found.timelines if line.policy == "never"), None)
    yield "<h2>Night by night</h2>"
    yield (
        '<p class="note">Mean loss of seven nights; grey: never retrained. Blue lines: new champions; dotted: refused challengers. '
        "Below: drift (|) and nights at fault (x).</p>"
    )
    for line in found.timelines:
        yield f"<h3>{escape(line.policy)}</h3>"
        yield svg(partial(timeline, line, never), width=8, height=1.7, title=escape(f"Night by night: {line.policy}"))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{top}</tr>\n{body}\n</table>"


def _range(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return f"{one.value:.4g}"
    return f"{one.value:.4g} ({one.low:.4g} to {one.high:.4g})"
