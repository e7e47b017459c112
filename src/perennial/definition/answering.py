"""Rules about people: who answers, by when, and who is told, is said only where somebody is asked or told."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.core.codes import Code
from perennial.definition.document import Finding
from perennial.definition.models import Definition


def asked(definition: Definition) -> Iterator[Finding]:
    """Who may answer, and by when, means nothing where nobody is asked."""
    publish = definition.publish
    if publish.approval == "human":
        return
    for name, given in (("approvers", publish.approvers), ("answer_within", publish.answer_within)):
        if given:
            yield Finding(("publish", name), Code.DEFINITION_RANGE, "must not be given without publish.approval: human")


def waited(definition: Definition) -> Iterator[Finding]:
    """What silence counts as means nothing where an answer is waited for without end."""
    publish = definition.publish
    if publish.unanswered == "approve" and publish.answer_within is None:
        yield Finding(("publish", "answer_within"), Code.DEFINITION_MISSING, "must be given with publish.unanswered: approve")


def promised(definition: Definition) -> Iterator[Finding]:
    """A promise is watched by whoever is told when it is broken."""
    if definition.publish.ready_within is not None and definition.messages is None:
        yield Finding(
            ("messages",), Code.DEFINITION_MISSING, "must be given with publish.ready_within: who is told of a late night?"
        )
