"""tell: at most one message about a model and a night. What comes too late for it is kept for the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from perennial.core.digest import digest_json
from perennial.core.interval import iso
from perennial.core.receipts import Message, News
from perennial.definition.models import Definition
from perennial.ports import Ledger

_LATELY = 400
"""So many messages are looked at: more than a year of nights."""

Send = Callable[[Sequence[News]], None]
"""Sends what is new, or raises where it went out nowhere."""
SendAll = Callable[[Mapping[str, Sequence[News]]], None]


def tell(definition: Definition, at: datetime, ledger: Ledger, *, news: Iterable[News], send: Send) -> Message | None:
    """Tell what is new of the night that ends at *at*, with what was kept, or keep it; None where there is nothing to do.

    What was told or kept of the night before is not new, so that a rerun tells nothing twice. Sent first and recorded then: where
    that is interrupted, the message is sent again.

    Returns:
        What was recorded: ``told``, or kept because the night has had its message, or for the digest.
    """
    if definition.messages is None:
        return None
    earlier = ledger.history(Message, definition.name, newest=_LATELY)
    known = {one for message in earlier for one in message.news}
    fresh = tuple(one for one in dict.fromkeys(news) if one.occasion in definition.messages.about and one not in known)
    had_its_message = any(message.told and message.at == at for message in earlier)
    if had_its_message or definition.messages.digest:
        return ledger.record(_message(definition.name, at, fresh, told=False)) if fresh else None
    kept = waiting(earlier)
    if not fresh and not kept:
        return None
    message = _message(definition.name, at, (*_news(kept), *fresh), carries=kept)
    send(message.news)
    return ledger.record(message)


def tell_digest(definitions: Iterable[Definition], at: datetime, ledger: Ledger, *, send: SendAll) -> list[Message]:
    """Tell what was kept of all *definitions*, which have the same channels, in one message; none where nothing was kept.

    Args:
        definitions: Models of which everything is kept for the digest.
        at: When the digest is due.
        ledger: Where it is kept.
        send: Sends what is new, by the model's name, or raises where it went out nowhere.

    Returns:
        What was recorded, one for each model that there was something to tell of.
    """
    kept = {definition.name: waiting(ledger.history(Message, definition.name, newest=_LATELY)) for definition in definitions}
    kept = {model: messages for model, messages in kept.items() if messages}
    if not kept:
        return []
    made = [_message(model, at, _news(messages), carries=messages, key="digest") for model, messages in kept.items()]
    send({message.model: message.news for message in made})
    return [ledger.record(message) for message in made]


def waiting(earlier: Sequence[Message]) -> list[Message]:
    """Return those of the messages of a model that were kept and have not gone out since."""
    gone = {key for message in earlier for key in message.carries}
    return [message for message in earlier if not message.told and message.id not in gone]


def _news(messages: Iterable[Message]) -> tuple[News, ...]:
    return tuple(one for message in messages for one in message.news)


def _message(
    model: str, at: datetime, news: tuple[News, ...], *, told: bool = True, carries: Sequence[Message] = (), key: str = ""
) -> Message:
    """Return the record. One that was told has its id of model and night alone (or *key*), so that there is one."""
    content = [model, iso(at), key, *([] if told else [one.model_dump(mode="json") for one in news])]
    name = digest_json([*content, told])[:32]
    return Message(id=name, model=model, at=at, told=told, news=news, carries=tuple(message.id for message in carries))
