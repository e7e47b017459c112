"""Who answers for a challenger, and by when."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from perennial.definition.loader import load
from perennial.definition.models import Definition

Said = Callable[..., list[str]]
Write = Callable[..., Path]


def asking(publish: str) -> tuple[str, str]:
    """Return the change that puts a section in."""
    return "retraining:", f"publish: {{{publish}}}\nretraining:"


def test_an_answer_has_its_people_and_its_time(write: Write) -> None:
    """And stands in the definition that is kept."""
    found = load(write(asking("approval: human, approvers: [ana, ben], answer_within: 3d, unanswered: approve")))
    said = (found.publish.approvers, found.publish.answer_within, found.publish.unanswered)
    assert said == (("ana", "ben"), timedelta(days=3), "approve")
    assert Definition.model_validate_json(found.content) == found


def test_a_definition_that_says_nothing_of_it_keeps_its_digest(write: Write) -> None:
    """It had no such keys before there were any."""
    said = json.loads(load(write()).content)
    assert said["publish"] == {"approval": "automatic", "retention": None, "shadow": "none"}
    assert "messages" not in said


@pytest.mark.parametrize(
    ("publish", "expected"),
    [
        ("approvers: [ana]", "publish.approvers: must not be given without publish.approval: human"),
        ("answer_within: 3d", "publish.answer_within: must not be given without publish.approval: human"),
        ("approval: human, unanswered: approve", "publish.answer_within: must be given with publish.unanswered: approve"),
        ("ready_within: 3h", "messages: must be given with publish.ready_within: who is told of a late night?"),
        ("approval: human, approvers: ['']", "publish.approvers[0]: must not be empty"),
    ],
)
def test_what_means_nothing_is_refused(said: Said, publish: str, expected: str) -> None:
    """A promise that nobody keeps is worse than none."""
    [found] = said(asking(publish))
    assert expected in found


def test_people_are_told_on_their_channels(write: Write) -> None:
    """By mail where no other notifier is named, of everything where nothing is."""
    told = load(write(("retraining:", "messages: {to: [{arguments: {to: fleet@example.org}}]}\nretraining:"))).messages
    assert told is not None
    assert (told.to[0].notifier.rpartition(":")[2], told.to[0].arguments) == ("SmtpNotifier", {"to": "fleet@example.org"})
    assert len(told.about) == 7


def test_a_message_has_somewhere_to_go(said: Said) -> None:
    """And is about something that there is."""
    found = said(("retraining:", "messages: {to: [], about: [everything]}\nretraining:"))
    assert [line.partition(": ")[2].partition(":")[0] for line in found] == ["messages.to", "messages.about[0]"]
