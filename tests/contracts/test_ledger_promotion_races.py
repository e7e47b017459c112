"""Promise 5 over many epochs: many at once, who try again and again, and exactly one winner of each epoch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennial.core.errors import ConflictError
from perennial.core.receipts import Promotion, PromotionKind
from perennial.ports import Ledger
from perennial.testing.story import Story

KINDS = [PromotionKind.PROMOTE, PromotionKind.ROLLBACK, PromotionKind.RETIRE]
Plan = list[list[PromotionKind]]
_NUMBERS = count(1)


def wanted(story: Story, epoch: int, kind: PromotionKind, who: str) -> Promotion:
    """Return the promotion that somebody wants; one of an evaluation is of a version of its own epoch."""
    number = epoch if kind is PromotionKind.PROMOTE else 0
    return story.promotion(epoch, number, kind).model_copy(update={"actor": who})


def climb(ledger: Ledger, story: Story, who: str, kinds: list[PromotionKind], start: Barrier) -> list[Promotion]:
    """Try to append the next epoch once for each kind, and return what was appended."""
    start.wait()
    won = []
    for kind in kinds:
        epoch = len(ledger.history(Promotion, story.model, story.segment)) + 1
        try:
            found = ledger.promote(wanted(story, epoch, kind, who))
        except ConflictError:
            continue
        if found.actor == who:  # else somebody had promoted the same evaluation, and that row stands
            won.append(found)
    return won


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(plan=st.lists(st.lists(st.sampled_from(KINDS), min_size=3, max_size=6), min_size=4, max_size=8))
def test_promise_5_each_epoch_has_one_winner(ledger: Ledger, plan: Plan) -> None:
    """Whatever wins, the epochs have no gap, each row is what its winner was told, and nobody else was told that it had won."""
    story = Story(segment=f"segment_{next(_NUMBERS)}")  # each example has one of its own
    for number in range(1 + sum(map(len, plan))):
        story.keep_version(ledger, number)
    start = Barrier(len(plan))
    with ThreadPoolExecutor(len(plan)) as pool:
        climbing = [pool.submit(climb, ledger, story, f"climber {at}", kinds, start) for at, kinds in enumerate(plan)]
        told = [row for one in climbing for row in one.result()]
    rows = ledger.history(Promotion, story.model, story.segment)
    assert [row.epoch for row in rows] == list(range(1, len(rows) + 1))
    assert sorted(told, key=lambda row: row.epoch) == rows
    assert len(rows) >= max(map(len, plan))  # whoever loses an epoch lost it to somebody
