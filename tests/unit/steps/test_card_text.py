"""Any text in a cell of a card's tables, and what the limits say."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perennial.core.interval import Interval
from perennial.core.receipts import Evaluation, Importance, Purpose, Verdict
from perennial.steps.cards.escape import escaped
from perennial.steps.cards.judged import figures, gates, importance, slices
from perennial.steps.cards.layout import table
from perennial.steps.cards.limits import limits
from perennial.steps.cards.record import Described, Learnt, Seen
from perennial.testing.story import Story, day

RENDER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
DESCRIBED = Described(
    title="t",
    purpose="p",
    owner="o",
    kpi="k",
    approximation="a",
    estimator="m:f",
    parameters={},
    search=None,
    connection="c",
    relation="r",
    label="l",
    label_delay="24h",
    label_latest=None,
    metric="mae",
    changed=False,
    of_then=True,
)
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("\\`*_{}[]()<>#+-.!|~&:/w\n")), max_size=60)


@given(text=TEXTS)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    """In one line; what cannot be seen becomes a space."""
    visible = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    html = RENDER.render(table(("what", "which"), [("x", text)]))
    assert f"<td>x</td>\n<td>{escape(visible, quote=False).replace(chr(34), '&quot;')}</td>" in html


@pytest.mark.parametrize("text", ["elapsed_days", "31.2 (29.8 to 32.6)", "city=Łódź: mae", "perennial.learning.estimators:ridge"])
def test_common_text_needs_no_escape(text: str) -> None:
    """So that the card reads well as it is, too."""
    assert escaped(text) == text


def test_a_version_that_was_refused_before_it_predicted_has_no_figures() -> None:
    """And neither slices nor importance, but the verdict with its reason."""
    refused = Story().evaluation(30, verdict=Verdict.FAIL).model_copy(update={"metrics": {}, "importance": {}})
    assert figures(refused) == "## Figures\n\nNone: it was refused before it predicted."
    assert (slices(refused), importance(refused)) == ("", "")
    assert gates(refused, 1).splitlines()[2] == "Verdict: fail. It may become champion."


def _said(learnt: Learnt, evaluation: Evaluation | None, *, span: Interval, quarantined: int = 0) -> list[str]:
    story = Story()
    version = story.version(30).model_copy(update={"trained_on": span})
    validation = story.validation(30, Purpose.TRAIN).model_copy(update={"quarantined": quarantined})
    return list(limits(DESCRIBED, learnt, version, validation, evaluation))


def test_the_limits_of_a_short_training_are_told() -> None:
    """What was never seen, always the same or always there, and that figures of few days are unsure."""
    columns = (
        Seen(column="warm", rows=720, missing=0, low=1.0, high=9.0, outside=3, mean=4.0),
        Seen(column="flag", rows=720, missing=2, low=1.0, high=1.0, outside=0, mean=1.0),
        Seen(column="gone", rows=720, missing=720),
        Seen(column="sky", rows=720, missing=0, values=3),
    )
    evaluation = Story().evaluation(30).model_copy(update={"holdout": Interval(day(28), day(30))})
    found = _said(Learnt(days=30, columns=columns), evaluation, span=Interval(day(0), day(30)), quarantined=5)
    assert found == [
        "It learnt from 720 rows of 30 days between 2024-03-01 and 2024-03-31, and of no other.",
        "That is less than a year: it has not seen all seasons and holidays.",
        "Of numbers outside of the ranges in the table it has seen few or none.",
        "Of sky it has seen 3 different values; any other is new to it.",
        "Always the same in training: flag.",
        "Always missing in training: gone.",
        "Never missing in training: warm, sky. What to predict without them it could not learn.",
        "5 of 48 rows did not meet the expectations and were left out: it has learnt nothing of such rows.",
        "Some figures have no interval, for the rows that they come from are of too few days.",
        "The figures are those of 2 days: not every weekday is among them, and the intervals are wide.",
        "Importance is told for one column at a time: where two say the same, each seems to matter little.",
    ]


def test_the_importance_of_the_time_that_has_passed_is_no_measure() -> None:
    """Trees tell no two moments apart that are later than all they have learnt from."""
    importance = {"elapsed_days": Importance(mean=0.0, low=0.0, high=0.0)}
    evaluation = Story().evaluation(30).model_copy(update={"importance": importance})
    found = _said(Learnt(days=30, columns=()), evaluation, span=Interval(day(0), day(30)))
    told = "All held-out rows are later than the training, so the importance of elapsed_days there is not what it is worth."
    assert found[-1] == told


def test_a_long_training_has_fewer_limits() -> None:
    """A year was seen, and there is nothing to say of columns."""
    span = Interval(day(0), day(0) + timedelta(days=365))
    assert _said(Learnt(days=365, columns=()), None, span=span) == [
        "It learnt from 720 rows of 365 days between 2024-03-01 and 2025-03-01, and of no other.",
        "It was not evaluated: nothing is known of its errors.",
    ]
