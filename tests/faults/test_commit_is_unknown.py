"""Promises 4 and 5 when nobody hears whether a commit was made: it was, the connection was cut before the answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from perennial.core.codes import Code
from perennial.core.errors import UnavailableError
from perennial.core.receipts import PredictionBatch, Promotion, PromotionKind
from perennial.stores.embedded_postgres import EmbeddedPostgres
from perennial.stores.ledger import PostgresLedger
from perennial.testing.story import Story, night, predictions

if TYPE_CHECKING:
    from tests.faults.conftest import Cut, Relay

pytestmark = pytest.mark.faults


def test_promise_04_a_commit_that_nobody_heard_of_is_found_out_by_running_again(
    postgres: EmbeddedPostgres, ledger_url: str, relay: Callable[[Any], tuple[Relay, str]], cut: type[Cut]
) -> None:
    """Of every commit in a publish: the writer is told that the store is unavailable, and the night is the old or the new one."""
    between, address = relay(f"{postgres.socket_folder}/.s.PGSQL.5432")
    url = ledger_url.replace(quote(str(postgres.socket_folder), safe="/"), str(Path(address).parent))
    seen = []
    with closing(PostgresLedger.open(ledger_url)) as ledger:
        for commit in count(1):
            story = Story(model=f"commit_{commit}")
            story.keep_champion(ledger)
            story.keep_night(ledger, 0)
            ledger.publish(story.batch(0, attempt=1), predictions(night(0), 1))
            fault = cut()
            between.cuts.append(fault)
            with closing(PostgresLedger.open(url)) as cut_off:
                fault.on, fault.after = b"COMMIT", commit
                told = _publish(cut_off, story)
            if not fault.done:
                assert told is None
                break
            assert told is Code.STORE_UNAVAILABLE
            seen.append(_shown(ledger, story))
            ledger.publish(story.batch(0, attempt=2), predictions(night(0), 2))
            assert _shown(ledger, story) == 2.0
            assert ledger.history(PredictionBatch, story.model) == [story.batch(0, attempt=1), story.batch(0, attempt=2)]
    assert seen == sorted(seen)
    assert (set(seen), len(seen) >= 2) == ({1.0, 2.0}, True)


@pytest.mark.parametrize("kind", PromotionKind)
def test_promise_05_a_promotion_that_nobody_heard_of_is_found_out_by_asking_again(
    postgres: EmbeddedPostgres, ledger_url: str, relay: Callable[[Any], tuple[Relay, str]], cut: type[Cut], kind: PromotionKind
) -> None:
    """It stands, though the writer was told that the store is unavailable; asked for again it is not appended twice."""
    between, address = relay(f"{postgres.socket_folder}/.s.PGSQL.5432")
    url = ledger_url.replace(quote(str(postgres.socket_folder), safe="/"), str(Path(address).parent))
    story = Story(model="promotion")
    wanted = story.promotion(2, 1, kind)
    with closing(PostgresLedger.open(ledger_url)) as ledger:
        first = story.keep_champion(ledger)
        story.keep_version(ledger, 1)
        fault = cut()
        between.cuts.append(fault)
        with closing(PostgresLedger.open(url)) as cut_off:
            fault.on = b"COMMIT"
            with pytest.raises(UnavailableError) as caught:
                cut_off.promote(wanted)
        assert (caught.value.code, fault.done) == (Code.STORE_UNAVAILABLE, True)
        assert ledger.history(Promotion, story.model) == [first, wanted]
        assert ledger.promote(wanted) == wanted
        assert ledger.history(Promotion, story.model) == [first, wanted]


def _publish(ledger: PostgresLedger, story: Story) -> Code | None:
    """Publish the second attempt, and return what the writer was told."""
    try:
        ledger.publish(story.batch(0, attempt=2), predictions(night(0), 2))
    except UnavailableError as error:
        return error.code
    return None


def _shown(ledger: PostgresLedger, story: Story) -> float:
    """Return the first prediction of the whole night."""
    shown = ledger.predictions(story.model, within=night(0))["prediction"].to_pylist()
    assert len(shown) == 48
    return float(shown[0])
