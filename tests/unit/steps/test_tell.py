"""At most one message about a model and a night, and nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.core.receipts import Action, Message, News, Occasion, Publication
from perennial.definition.models import Definition
from perennial.steps.news import of_decision, of_failure, of_publication, of_waiting
from perennial.steps.tell import tell, tell_digest
from perennial.testing import MemoryLedger
from perennial.testing.story import Story, day

MAIL = {"to": [{"arguments": {"to": "fleet@example.org"}}]}
CRASH = News(occasion=Occasion.FAILURE, at=day(1), sentence="train failed")
LOST = News(occasion=Occasion.REFUSED, at=day(1), sentence="it lost")
FAULT = News(occasion=Occasion.DATA_FAULT, at=day(2), sentence="all zero")


class Post:
    """Keeps what is sent, or is out of order."""

    def __init__(self, *, works: bool = True) -> None:
        """Begin with nothing."""
        self.works, self.sent = works, []  # type: ignore[var-annotated]  # of either shape

    def __call__(self, news: Sequence[News] | Mapping[str, Sequence[News]]) -> None:
        """Take it."""
        if not self.works:
            raise UnavailableError(Code.MESSAGE_UNSENT, "no", where="here")
        self.sent.append(news)


@pytest.fixture
def ledger() -> MemoryLedger:
    """An empty ledger."""
    return MemoryLedger()


@pytest.fixture
def post() -> Post:
    """A post that works."""
    return Post()


def told_of(small: dict[str, Any], **messages: Any) -> Definition:
    """Return a definition with somebody to tell."""
    return Definition.model_validate({**small, "messages": {**MAIL, **messages}})


def test_a_night_has_one_message(small: dict[str, Any], ledger: MemoryLedger, post: Post) -> None:
    """A rerun tells nothing twice; what comes later goes out with the next night's, and then no more."""
    definition = told_of(small)
    tell(definition, day(1), ledger, news=[CRASH], send=post)
    tell(definition, day(1), ledger, news=[CRASH], send=post)
    kept = tell(definition, day(1), ledger, news=[CRASH, LOST], send=post)
    tell(definition, day(1), ledger, news=[LOST], send=post)
    tell(definition, day(2), ledger, news=[FAULT], send=post)
    tell(definition, day(3), ledger, news=[], send=post)

    assert post.sent == [(CRASH,), (LOST, FAULT)]
    assert kept is not None
    assert not kept.told
    assert [(one.told, one.at) for one in ledger.history(Message, "bikes_small")] == [
        (True, day(1)),
        (False, day(1)),
        (True, day(2)),
    ]


def test_what_was_kept_goes_out_on_a_night_without_news(small: dict[str, Any], ledger: MemoryLedger, post: Post) -> None:
    """It has waited long enough."""
    definition = told_of(small)
    for at, news in ((day(1), [CRASH]), (day(1), [LOST]), (day(2), [])):
        tell(definition, at, ledger, news=news, send=post)
    assert post.sent == [(CRASH,), (LOST,)]


def test_a_quiet_night_is_told_of_to_nobody(small: dict[str, Any], ledger: MemoryLedger, post: Post) -> None:
    """Nor anything where the definition names nobody."""
    assert tell(told_of(small), day(1), ledger, news=[], send=post) is None
    assert tell(Definition.model_validate(small), day(1), ledger, news=[CRASH], send=post) is None
    assert (post.sent, ledger.history(Message, "bikes_small")) == ([], [])


def test_only_what_is_asked_for_is_told(small: dict[str, Any], ledger: MemoryLedger, post: Post) -> None:
    """The rest is not even kept."""
    tell(told_of(small, about=["refused"]), day(1), ledger, news=[CRASH, LOST], send=post)
    assert post.sent == [(LOST,)]


def test_what_could_not_be_sent_is_sent_again(small: dict[str, Any], ledger: MemoryLedger, post: Post) -> None:
    """Nothing is recorded before it went out."""
    definition = told_of(small)
    with pytest.raises(UnavailableError):
        tell(definition, day(1), ledger, news=[CRASH], send=Post(works=False))
    tell(definition, day(1), ledger, news=[CRASH], send=post)
    assert post.sent == [(CRASH,)]


def test_a_digest_tells_of_a_fleet_in_one_message(small: dict[str, Any], ledger: MemoryLedger, post: Post) -> None:
    """Once; and only of models with something to tell."""
    fleet = [told_of({**small, "name": name}, digest=True) for name in ("north", "south", "quiet")]
    for definition, news in zip(fleet, ([CRASH, LOST], [FAULT], []), strict=True):
        tell(definition, day(1), ledger, news=news, send=post)
    assert post.sent == []

    told = tell_digest(fleet, day(2.25), ledger, send=post)
    again = tell_digest(fleet, day(3.25), ledger, send=post)
    assert post.sent == [{"north": (CRASH, LOST), "south": (FAULT,)}]
    assert ([one.model for one in told], again) == (["north", "south"], [])


@pytest.mark.parametrize(
    ("action", "rule", "expected"),
    [
        (Action.QUARANTINE, "data_fault", Occasion.DATA_FAULT),
        (Action.RETRAIN, "decay", Occasion.DECISION),
        (Action.HOLD, "breaker", Occasion.BREAKER),
        (Action.HOLD, "cooldown", None),
        (Action.WATCH, "drift", None),
        (Action.KEEP, "quiet", None),
    ],
)
def test_some_decisions_deserve_a_look(action: Action, rule: str, expected: Occasion | None) -> None:
    """Data faults, retrainings, and retraining that stopped by itself."""
    found = of_decision(Story().decision(1).model_copy(update={"action": action, "rule": rule}))
    assert (found.occasion if found else None) == expected
    assert found is None or (found.at, found.sentence) == (day(2), f"{action}: Nothing moved.")


def test_news_say_why() -> None:
    """The reason for the retraining, the gates' sentence, the error."""
    made = Publication(model="m", evaluation="e", promoted=False, champion=None, epoch=None, sentence="it was refused")
    waits = of_waiting(Story().evaluation(1), ("ana", "ben"))
    assert of_publication(made, day(1), "the loss rose").sentence == "it was refused; retrained because: the loss rose"
    assert waits.sentence == f"{Story().evaluation(1).challenger} passed and waits for ana or ben: It may become champion."
    assert of_failure("extract", day(1), None).sentence == "extract failed; its log says why"
