"""Messages as people read them, and Airflow's notifiers that send them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from inspect import signature
from types import MappingProxyType
from typing import Any

from perennial.core.codes import Code
from perennial.core.errors import DefinitionError, UnavailableError
from perennial.core.receipts import News, Occasion
from perennial.definition.messages import Channel
from perennial.definition.models import Definition
from perennial.orchestration.links import model_link

_MOST = 30
"""So many sentences of one model are told; the page has them all."""
_WORDS: Mapping[Occasion, str] = MappingProxyType(
    {
        Occasion.FAILURE: "a task failed",
        Occasion.LATE: "predictions are late",
        Occasion.DATA_FAULT: "data fault",
        Occasion.BREAKER: "retraining stopped",
        Occasion.REFUSED: "challenger refused",
        Occasion.APPROVAL: "an approval waits",
        Occasion.DECISION: "retraining",
    }
)
_FILLED: Mapping[str, str] = MappingProxyType(
    {
        "subject": "{{ perennial.subject }}",
        "html_content": "{{ perennial.html }}",
        "text": "{{ perennial.text }}",
        "message": "{{ perennial.text }}",
        "body": "{{ perennial.text }}",
        "content": "{{ perennial.text }}",
    }
)
"""What notifiers call their texts. The message is a value of the template and never one itself: no sentence is evaluated.

Airflow gives a notifier's own arguments to its templates, too, so one that has a ``message`` would be asked for itself.
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: a line, plain text, and the same as HTML."""

    subject: str
    text: str
    html: str


def letter(told: Sequence[tuple[Definition, Sequence[News]]]) -> Letter:
    """Return the message about one model, or the digest of several."""
    kinds = {one.occasion for _, news in told for one in news}
    whom = told[0][0].title if len(told) == 1 else f"{len(told)} models"
    words = ", ".join(_WORDS[occasion] for occasion in Occasion if occasion in kinds)
    text = "\n\n".join(_plain(definition, news) for definition, news in told)
    html = "".join(_rich(definition, news) for definition, news in told)
    return Letter(f"{whom}: {words}", text, html)


def send(channels: Sequence[Channel], message: Letter) -> None:
    """Send *message* on every channel. One that fails is told in the log, as long as another takes it.

    Raises:
        DefinitionError: DEFINITION_MISSING, no channel's notifier can be imported.
        UnavailableError: MESSAGE_UNSENT.
    """
    failed: list[Exception] = []
    for channel in channels:
        try:
            notifier(channel)({"perennial": message})
        except Exception as error:  # noqa: BLE001 - a notifier may raise anything, and the other channels are tried
            _log.warning("%s could not send: %s", channel.notifier, type(error).__name__)
            failed.append(error)
    if len(failed) < len(channels):
        return
    if all(isinstance(error, DefinitionError) for error in failed):
        raise failed[0]
    found = ", ".join(f"{channel.notifier}: {type(error).__name__}" for channel, error in zip(channels, failed, strict=True))
    raise UnavailableError(Code.MESSAGE_UNSENT, found, where="messages.to") from failed[0]


def notifier(channel: Channel) -> Any:  # noqa: ANN401 - any of Airflow's notifiers
    """Return the notifier of a channel, with its texts filled in where the definition does not give them.

    Raises:
        DefinitionError: DEFINITION_MISSING.
    """
    module, _, name = channel.notifier.partition(":")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        message = f"{channel.notifier} cannot be imported; is its provider installed?"
        raise DefinitionError(Code.DEFINITION_MISSING, message, where="messages.to") from error
    wanted = signature(kind).parameters
    return kind(**{**{key: text for key, text in _FILLED.items() if key in wanted}, **channel.arguments})


def _plain(definition: Definition, news: Sequence[News]) -> str:
    lines = [f"- {_said(definition, one)}" for one in news[:_MOST]]
    return "\n".join([definition.title, "", *lines, *_more(news), "", model_link(definition)])


def _rich(definition: Definition, news: Sequence[News]) -> str:
    lines = [
        f'<li>{escape(_said(definition, one))} (<a href="{escape(model_link(definition, one.segment))}">model health</a>)</li>'
        for one in news[:_MOST]
    ]
    more = "".join(f"<p>{line}</p>" for line in _more(news))
    return f"<h3>{escape(definition.title)}</h3><ul>{''.join(lines)}</ul>{more}"


def _said(definition: Definition, one: News) -> str:
    of_segment = f"{one.segment}: " if definition.segments and one.segment in definition.segments.values else ""
    return f"{of_segment}{_WORDS[one.occasion]}, as of {one.at:%Y-%m-%d %H:%M}Z: {one.sentence}"


def _more(news: Sequence[News]) -> list[str]:
    return [f"and {len(news) - _MOST} more"] if len(news) > _MOST else []
