"""Who is told of what deserves a look, and how: Airflow's notifiers, whichever are installed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from perennial.core.receipts import Occasion
from perennial.definition.fields import ImportPath, Part

SMTP = "airflow.providers.smtp.notifications.smtp:SmtpNotifier"

MESSAGE, PARTS = "perennial", ("subject", "text", "html")
"""What a template of a notifier calls the message, and what it has."""


class Channel(Part):
    """One way out for messages."""

    notifier: Annotated[ImportPath, Field(max_length=200)] = SMTP
    """``package.module:Class``, an Airflow notifier. Its text arguments are filled in where they are not given here."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Its keyword arguments, such as ``to`` and ``smtp_conn_id``. Templates may use perennial.subject, perennial.text and
    perennial.html. Passwords and addresses with secrets in them belong into an Airflow connection."""


class Messages(Part):
    """What is told, and to whom. Of a model and a night there is at most one message."""

    to: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=10, strict=False)]
    """The channels; each message goes out on all of them."""
    about: Annotated[tuple[Annotated[Occasion, Field(strict=False)], ...], Field(min_length=1, strict=False)] = tuple(Occasion)
    """Of what. failure: a task failed for good. late: a night's predictions are not there in time. data_fault: a night was held
    back. breaker: so many challengers were refused that no decision asks for more. refused: a challenger did not become champion.
    approval: one waits for a person. decision: a retraining was asked for, or made a champion."""
    digest: bool = False
    """Whether to keep everything for the daily digest, which tells of all models with the same channels in one message."""
