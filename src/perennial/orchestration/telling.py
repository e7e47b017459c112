"""The tasks that tell people what deserves a look: at the end of a run, while an approval waits, and once a day for a fleet."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task

from perennial import wiring
from perennial.core.digest import digest_json
from perennial.core.errors import DataError, PerennialError
from perennial.core.interval import moment, utc
from perennial.core.receipts import ALL, Decision, Evaluation, News, Occasion, Publication, Purpose
from perennial.definition.loader import load_folder
from perennial.definition.models import Definition
from perennial.orchestration.batches import Handed, found_in
from perennial.orchestration.letters import letter, send
from perennial.orchestration.runs import WHY, by_backfill, current_run, failed_tasks, opened_stores, purpose, run_id
from perennial.orchestration.window import window
from perennial.ports import Stores

if TYPE_CHECKING:
    from perennial.steps.tell import SendAll

_TTL = timedelta(minutes=15)
_log = logging.getLogger(__name__)


def tell(definition: Definition) -> Handed:
    """Tell of the run, whatever became of it. A backfill is told of by nobody."""

    @task(task_id="tell", multiple_outputs=False, show_return_value_in_logs=False, trigger_rule="all_done")
    def tell() -> None:
        at = None if by_backfill() else _night(definition)
        if at is None:
            return
        with opened_stores() as stores:
            news = [*_of_failures(at), *(_of_night() if purpose() is Purpose.SCORE else _of_retraining(definition, stores))]
            tell_of(definition, at, stores, news, holder=f"tell {run_id()}")

    return tell()


def tell_of_waiting(definition: Definition, evaluation: Evaluation) -> None:
    """Tell that an evaluation waits for a person. Where that cannot be done, the person is asked all the same."""
    from perennial.steps.news import of_waiting  # noqa: PLC0415 - DAG files import this module

    if definition.messages is None:
        return
    try:
        with opened_stores() as stores:
            news = [of_waiting(evaluation, definition.publish.approvers)]
            tell_of(definition, evaluation.as_of, stores, news, holder=f"approve {run_id()}")
    except PerennialError as error:
        _log.warning("nobody was told that it waits: %s", error)


def tell_of(definition: Definition, at: datetime, stores: Stores, news: Iterable[News], *, holder: str) -> None:
    """Tell *news* of the night that ends at *at*, or keep it; one at a time for each model."""
    from perennial.steps.tell import tell as step  # noqa: PLC0415 - DAG files import this module

    def out(told: Sequence[News]) -> None:
        send(definition.messages.to if definition.messages else (), letter([(definition, told)]))

    with stores.leased(definition.name, ALL, "tell", holder=holder, ttl=_TTL) as own:
        done = step(definition, at, own.ledger, news=news, send=out)
    if done is None:
        _log.info("there is nothing to tell")
    else:
        _log.info("%d news %s", len(done.news), "told" if done.told else "kept for the next message")


def tell_digests() -> Handed:
    """Tell once a day of all models that want a digest: one message for all that have the same channels."""

    @task(task_id="tell", multiple_outputs=False, show_return_value_in_logs=False)
    def tell() -> None:
        from perennial.steps.tell import tell_digest as step  # noqa: PLC0415 - DAG files import this module

        due = utc(get_current_context()["dag_run"].run_after)
        with opened_stores() as stores:
            for group in digested():
                told = step(group, due, stores.ledger, send=_to_all(group))
                _log.info("told of %d models of %d", len(told), len(group))

    return tell()


def digested() -> Iterator[list[Definition]]:
    """Yield the definitions that want a digest, those with the same channels together."""
    groups: dict[str, list[Definition]] = {}
    for definition in load_folder(wiring.definitions_folder()).definitions:
        if definition.messages and definition.messages.digest:
            key = digest_json([channel.model_dump(mode="json") for channel in definition.messages.to])
            groups.setdefault(key, []).append(definition)
    yield from groups.values()


def _to_all(group: list[Definition]) -> SendAll:
    """Return what sends the digest of models with the same channels."""

    def out(news: Mapping[str, Sequence[News]]) -> None:
        channels = group[0].messages.to if group[0].messages else ()
        send(channels, letter([(definition, news[definition.name]) for definition in group if definition.name in news]))

    return out


def _night(definition: Definition) -> datetime | None:
    """Return the end of the night that the run is about, or None: a run with wrong parameters is about none."""
    claimed = next(found_in(_pulled("claim"), "request"), None)
    if claimed is not None:
        return moment(claimed["as_of"])
    try:
        return window(definition, current_run(), purpose()).as_of
    except DataError:
        return None


def _of_night() -> list[News]:
    """Return the news of a night. Where a retraining is all there is to tell, the run that answers it tells."""
    from perennial.steps.news import of_decision  # noqa: PLC0415 - DAG files import this module

    decisions = [Decision.model_validate(one) for one in found_in(_pulled("decide"), "action")]
    news = [found for decision in decisions if (found := of_decision(decision))]
    return news if any(one.occasion is not Occasion.DECISION for one in news) else []


def _of_retraining(definition: Definition, stores: Stores) -> list[News]:
    from perennial.steps.deciding.breaker import of_breaker  # noqa: PLC0415 - DAG files import this module
    from perennial.steps.news import of_publication  # noqa: PLC0415 - DAG files import this module

    claimed = {one["segment"]: one for one in found_in(_pulled("claim"), "request")}
    made = [Publication.model_validate(one) for one in found_in(_pulled("publish"), "promoted")]
    told = [of_publication(one, moment(claimed[one.segment]["as_of"]), claimed[one.segment]["reason"]) for one in made]
    refusals = [one for one in told if one.occasion is Occasion.REFUSED]
    return [*told, *(more for one in refusals for more in of_breaker(definition, stores, one))]


def _of_failures(at: datetime) -> list[News]:
    from perennial.steps.news import of_failure  # noqa: PLC0415 - DAG files import this module

    whys = {name: next(found_in(_pulled(name, WHY), WHY), {}).get(WHY) for name in failed_tasks()}
    return [of_failure(name, at, why) for name, why in whys.items()]


def _pulled(task_id: str, key: str = "return_value") -> Any:  # noqa: ANN401 - whatever tasks handed on
    return get_current_context()["ti"].xcom_pull(task_ids=task_id, key=key)
