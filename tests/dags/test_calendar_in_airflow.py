"""A replay covers the intervals that Airflow gave its runs, across every change of the clocks (promise 14)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from perennial.core.interval import iso, moment
from perennial.definition.calendar import next_tick

pytestmark = pytest.mark.dags

CRONS = (Path(__file__).parents[1] / "data/crons.txt").read_text(encoding="utf-8").splitlines()
CHANGES = {
    "UTC": ("2024-03-30",),
    "Europe/Berlin": ("2024-03-30", "2024-10-26"),
    "America/New_York": ("2024-03-09", "2024-11-02"),
    "Australia/Lord_Howe": ("2024-04-05", "2024-10-04"),
    "America/Sao_Paulo": ("2018-02-17", "2018-11-03"),
    "Africa/Cairo": ("2024-04-25", "2024-10-30"),
    "Asia/Kathmandu": ("2024-03-30",),
}
"""The day before each change: Lord Howe changes by half an hour, Cairo and Sao Paulo at midnight. Two zones have none."""

_AIRFLOW = """
import json, sys
import pendulum
from airflow.timetables.interval import CronDataIntervalTimetable
told = []
for cron, zone, start, end in json.loads(sys.argv[1]):
    table = CronDataIntervalTimetable(cron, timezone=zone)
    at, found = pendulum.parse(start), []
    while at < pendulum.parse(end):
        at = table._get_next(at)
        found.append(at.in_timezone("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"))
    told.append(found)
print("TOLD" + json.dumps(told))
"""


def test_a_replay_and_airflow_cover_the_same_intervals(tmp_path: Path) -> None:
    """Around every change of the clocks our ticks are those of Airflow's own timetable."""
    cases = [
        (cron, zone, f"{day}T00:10:00Z", iso(moment(day) + timedelta(days=3)))
        for cron in CRONS
        for zone, days in CHANGES.items()
        for day in days
    ]
    done = subprocess.run(
        [sys.executable, "-c", _AIRFLOW, json.dumps(cases)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
    )
    told = json.loads(done.stdout.partition("TOLD")[2])
    assert [list(ours(cron, zone, moment(start), moment(end))) for cron, zone, start, end in cases] == told


def ours(cron: str, zone: str, at: datetime, end: datetime) -> Iterator[str]:
    """Yield our ticks as Airflow is asked for its own: from one to the next, the last one at *end* or behind it."""
    while at < end:
        at = next_tick(cron, zone, at)
        yield iso(at)
