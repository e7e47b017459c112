"""Messages as people read them, sent by Airflow's own notifiers."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from perennial.core.errors import DefinitionError, UnavailableError
from perennial.core.receipts import News, Occasion
from perennial.definition.messages import Channel
from perennial.definition.models import Definition
from perennial.orchestration.letters import Letter, letter, notifier, send
from perennial.testing.story import day

HERE = f"{__name__}:"
BOX: list[tuple[str, str]] = []
"""What the notifiers below were given; they are made by name, so nothing else reaches them."""


class Pager(BaseNotifier):
    """Takes a text and a word of its own."""

    template_fields = ("text", "channel")

    def __init__(self, text: str = "", channel: str = "") -> None:
        """Take both."""
        super().__init__()
        self.text, self.channel = text, channel

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        """Keep them."""
        BOX.append((self.text, self.channel))


class Board(BaseNotifier):
    """Calls its text *message*."""

    template_fields = ("message",)

    def __init__(self, message: str) -> None:
        """Take it."""
        super().__init__()
        self.message = message

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        """Keep it."""
        BOX.append((self.message, ""))


class Broken(Pager):
    """Has no line."""

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        """Fail."""
        raise OSError("password=hunter2")


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """An empty box, and this module under the name by which it is asked for."""
    monkeypatch.setitem(__import__("sys").modules, "paging", __import__("sys").modules[__name__])
    BOX.clear()
    return BOX


def news(sentence: str, *, occasion: Occasion = Occasion.REFUSED, segment: str = "all") -> News:
    """Return one."""
    return News(occasion=occasion, segment=segment, at=day(1), sentence=sentence)


def channel(name: str, **arguments: Any) -> Channel:
    """Return a channel of this module."""
    return Channel(notifier=f"paging:{name}", arguments=arguments)


def test_a_letter_says_what_of_whom_and_why(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The gravest stands first in the subject, and a link leads to the page."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow.example")
    definition = Definition.model_validate(small)
    made = letter([(definition, [news("it lost"), news("train failed", occasion=Occasion.FAILURE)])])
    assert made.subject == "Bikes: a task failed, challenger refused"
    assert "- challenger refused, as of 2024-03-02 00:00Z: it lost\n" in made.text
    assert made.text.endswith("\n\nhttp://airflow.example/perennial/models/bikes_small/all")
    assert '<a href="http://airflow.example/perennial/models/bikes_small/all">' in made.html


def test_a_fleet_has_one_letter(small: dict[str, Any]) -> None:
    """Segments by name, and no more sentences than anybody reads."""
    regions = Definition.model_validate({**small, "segments": {"column": "city", "values": {"north": "North"}}})
    made = letter([(regions, [news("it lost", segment="north")] * 31), (Definition.model_validate(small), [news("no rows")])])
    assert made.subject == "2 models: challenger refused"
    assert "- north: challenger refused, " in made.text
    assert "and 1 more" in made.text


def test_a_sentence_is_neither_markup_nor_a_template(small: dict[str, Any], box: list[tuple[str, str]]) -> None:
    """However it is called."""
    made = letter([(Definition.model_validate(small), [news("<b>{{ 6 * 7 }}</b>")])])
    send([channel("Pager", channel="{{ perennial.subject }}")], made)
    assert "&lt;b&gt;{{ 6 * 7 }}&lt;/b&gt;" in made.html
    assert box == [(made.text, made.subject)]
    assert "<b>{{ 6 * 7 }}</b>" in made.text


def test_a_notifier_that_calls_its_text_message_has_one(box: list[tuple[str, str]]) -> None:
    """Although Airflow puts that over a value of the same name."""
    send([channel("Board")], Letter("s", "t", "h"))
    assert box == [("t", "")]


def test_one_channel_of_two_is_enough(box: list[tuple[str, str]], caplog: pytest.LogCaptureFixture) -> None:
    """The other is told of in the log, without what it said."""
    send([channel("Broken"), channel("Pager")], Letter("s", "t", "h"))
    assert box == [("t", "")]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("perennial")]
    assert said == ["paging:Broken could not send: OSError"]


def test_a_message_that_goes_nowhere_is_tried_again() -> None:
    """A retry may help, and the error names no secret."""
    with pytest.raises(UnavailableError) as caught:
        send([channel("Broken")], Letter("s", "t", "h"))
    assert str(caught.value) == "messages.to: paging:Broken: OSError [MESSAGE_UNSENT]"


def test_a_notifier_that_is_not_installed_is_named() -> None:
    """A retry cannot help."""
    with pytest.raises(DefinitionError, match=r"paging:Nobody cannot be imported; is its provider installed\?"):
        send([channel("Nobody")], Letter("s", "t", "h"))


def test_mail_is_what_there_is_without_more_words() -> None:
    """Subject and text are filled in; whatever the definition says comes first."""
    made = notifier(Channel(arguments={"to": "fleet@example.org", "smtp_conn_id": "mail", "subject": "Again"}))
    assert (made.subject, made.html_content, made.to, made.smtp_conn_id) == (
        "Again",
        "{{ perennial.html }}",
        "fleet@example.org",
        "mail",
    )
