"""The plot of what an evaluation measured, on a page and as a picture in Airflow's form."""

from __future__ import annotations

import base64
import hashlib
import math
from typing import Any
from xml.etree import ElementTree as ET

from perennial.core.receipts import Estimate, Evaluation
from perennial.testing.story import Story
from perennial.web.headers import POLICY
from perennial.web.plots.estimates import estimates_plot
from perennial.web.views.judged import SLICES, judged_rows

VERSION = "/models/bike_demand/all/versions/bike_demand-all-version-0"
SVG = "{http://www.w3.org/2000/svg}"


def evaluation(**more: dict[str, Estimate]) -> Evaluation:
    """Return one of a challenger and a baseline, and *more*."""
    metrics = {
        "baseline": {"mae": Estimate(value=9.0, low=8.0, high=10.0)},
        "challenger": {"mae": Estimate(value=4.0, low=0.0, high=5.0), "r2": Estimate(value=-math.inf)},
    }
    return Story().evaluation(0).model_copy(update={"metrics": {**metrics, **more}})


def test_roles_come_first_and_slices_below_them() -> None:
    """Of the figure that decides; of a slice the challenger stands beside the champion."""
    found = evaluation(**{
        "champion[city=b]": {"mae": Estimate(value=3.0)},
        "challenger[city=b]": {"mae": Estimate(value=2.0)},
        "challenger[city=a]": {"mae": Estimate(value=1.0), "r2": Estimate(value=0.5)},
        "baseline[city=a]": {"mae": Estimate(value=7.0)},
    })  # fmt: skip
    rows = judged_rows(found, "mae")
    assert [(about, [(role, one.value) for role, one in marks.items()]) for about, marks in rows] == [
        ("this version", [("challenger", 4.0)]),
        ("baseline", [("baseline", 9.0)]),
        ("city=a", [("challenger", 1.0)]),
        ("city=b", [("champion", 3.0), ("challenger", 2.0)]),
    ]


def test_of_very_many_slices_some_are_shown() -> None:
    """A picture of a thousand is none."""
    found = evaluation(**{f"challenger[city={number}]": {"mae": Estimate(value=1.0)} for number in range(SLICES + 5)})
    assert len(judged_rows(found, "mae")) == 2 + SLICES


def test_an_interval_is_a_line_from_end_to_end() -> None:
    """On one scale for all; what is not finite is not drawn, and nothing at all is nothing."""
    drawn = estimates_plot("mae", judged_rows(evaluation(), "mae"))
    assert 'class="range challenger" d="M176.0 20.0H348.0"' in drawn
    assert 'class="range baseline" d="M451.2 44.0H520.0"' in drawn
    assert "mae with 95 % intervals: this version 4 (0 to 5); baseline 9 (8 to 10)" in drawn
    assert estimates_plot("r2", judged_rows(evaluation(), "r2")) == ""


def test_what_a_slice_is_called_is_text() -> None:
    """In the picture, too, which a browser reads as XML."""
    hostile = "<script>alert(1)</script>\"'&\u202e"
    found = evaluation(**{f"challenger[{hostile}]": {"mae": Estimate(value=1.0)}})
    drawn = ET.fromstring(estimates_plot("mae", judged_rows(found, "mae"), alone=True))  # noqa: S314 - our own
    assert {one.tag.removeprefix(SVG) for one in drawn.iter()} == {"svg", "style", "path", "text", "title", "circle"}
    assert hostile in [one.text for one in drawn.iter(f"{SVG}title")]


def test_the_picture_of_a_version_brings_its_colours(browser: Any) -> None:
    """No style sheet reaches it, and the policy allows this style and no other."""
    answer = browser.get(f"{VERSION}/figure.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    style = ET.fromstring(answer.text).findtext(f"{SVG}style") or ""  # noqa: S314 - our own
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in POLICY
    assert browser.get(f"{VERSION.replace('-all-', '-north-')}/figure.svg").status_code == 404
    assert '<svg class="estimates"' in browser.get(VERSION).text
