"""Rules about a person's answer: who may give it, and how long it is waited for, is said only where one is asked."""

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
