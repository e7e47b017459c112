"""A flow for each segment of a model: in a few dozen batches of segments, each a mapped task of its own.

A mapped task costs about as much as a night of a small model, so a model with hundreds of segments has batches of them. Each task
works through its batch, segment by segment; what it hands on is a receipt for each, or null where it could not be done. A task that
could not do all of them fails when it has tried the others, and the next one goes on with those.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any, TypeVar

from airflow.sdk import get_current_context, task_group

from perennial.core.codes import Code
from perennial.core.errors import PerennialError, TerminalError, TransientError
from perennial.core.receipts import ALL, Receipt
from perennial.core.several import gathered, told_of
from perennial.definition.models import Definition
from perennial.orchestration.assets import announce
from perennial.orchestration.figures import report
from perennial.orchestration.runs import held, opened_stores
from perennial.ports import Stores

Json = dict[str, Any]
Handed = Any
"""What one task hands to the next: an XComArg while the DAG is put together, JSON inside the task."""
T = TypeVar("T")

MOST_BATCHES = 24
_log = logging.getLogger(__name__)


def batches(segments: Sequence[T], *, most: int = MOST_BATCHES) -> list[list[T]]:
    """Cut *segments* into at most *most* batches that differ in length by as little as can be, in their order.

    Examples:
        >>> batches(["a", "b", "c", "d", "e"], most=2)
        [['a', 'b', 'c'], ['d', 'e']]
    """
    length = ceil(len(segments) / most)
    return [list(segments[start : start + length]) for start in range(0, len(segments), length)] if segments else []


def largest_batch(definition: Definition) -> int:
    """Return of how many segments a task may have to take care, one after another."""
    return ceil(len(definition.segment_names) / MOST_BATCHES)


def every_night(definition: Definition) -> list[dict[str, Json]] | None:
    """Return what the nights of the segments begin with, in batches: nothing, for each; None without segments."""
    if definition.segments is None:
        return None
    return [{segment: {} for segment in batch} for batch in batches(definition.segment_names)]


def for_each_batch(definition: Definition, flow: Callable[[Definition, Handed], Handed], over: Handed) -> Handed:
    """Put *flow* together once over *over*; of a model with segments once for each batch in it, as a mapped group of tasks."""
    if definition.segments is None:
        return flow(definition, over)

    @task_group(group_id="batch", prefix_group_id=False)
    def batch(batch: Handed) -> None:
        flow(definition, batch)

    return batch.expand(batch=over)


def found_in(pulled: Any, key: str) -> Iterator[Json]:  # noqa: ANN401 - whatever tasks handed on
    """Yield every receipt in what was pulled of a task, or of all tasks of a mapped group: what has a text or a truth in *key*."""
    if isinstance(pulled, Mapping):
        if isinstance(pulled.get(key), str | bool):  # a segment may be called as a field is
            yield dict(pulled)
            return
        pulled = pulled.values()
    elif not isinstance(pulled, Sequence) or isinstance(pulled, str):
        return
    for inner in pulled:
        yield from found_in(inner, key)


def called(definition: Definition) -> dict[str, Any]:
    """Return what calls a task of the group, in Airflow's user interface, by the segments of its batch."""
    return {"map_index_template": "{{ (task.op_args[0] or {}) | join(', ') }}"} if definition.segments else {}


def rules(definition: Definition) -> dict[str, Any]:
    """Return what makes a task of the group go on where the one before could not do all, and leave out what was left out there."""
    return {"trigger_rule": "none_skipped", **called(definition)} if definition.segments else {}


def done(definition: Definition, run: Callable[..., Receipt], *handed: Json | None) -> Json:
    """Do *run* on what the tasks before handed over, of each segment where there are segments, and return what is handed on.

    Args:
        definition: The model.
        run: Takes the stores, held for the segment, the segment, and its part of each of *handed*.
        handed: What the tasks before returned: a receipt, or one for each segment.

    Raises:
        TransientError: Some segment could not be done, and a retry may help one of them. The others are done.
        TerminalError: The same, and it cannot.
    """
    with opened_stores() as stores:
        if definition.segments is None:
            with held(definition, ALL, stores) as own:
                return _told(definition, run(own, ALL, *handed))
        return _all_done(definition, run, handed, stores)


def _all_done(definition: Definition, run: Callable[..., Receipt], handed: Sequence[Json | None], stores: Stores) -> Json:
    if handed[0] is None:
        raise TerminalError(Code.SEGMENT_STOPPED, "the task before was ended, and handed nothing on", where=definition.name)
    receipts: Json = {}
    errors: list[PerennialError] = []
    for segment in handed[0]:
        try:
            with held(definition, segment, stores) as own:
                receipts[segment] = _told(definition, run(own, segment, *_parts(segment, handed)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other segments go on
            receipts[segment] = None
            errors.append(told_of(segment, _known(error, segment)))
    if errors:
        get_current_context()["ti"].xcom_push(key="return_value", value=receipts)  # Airflow keeps what is returned only
        raise gathered(errors)
    return receipts


def _told(definition: Definition, receipt: Receipt) -> Json:
    """Return what is handed on of *receipt*, and tell whoever waits for it, or counts, what was made."""
    report(receipt)
    announce(definition, receipt)
    return receipt.model_dump(mode="json")


def _parts(segment: str, handed: Sequence[Mapping[str, Any] | None]) -> list[Json]:
    """Return what the tasks before handed on of *segment*.

    Raises:
        TerminalError: SEGMENT_STOPPED, one of them could not do it.
    """
    parts = [None if one is None else one.get(segment) for one in handed]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        raise TerminalError(Code.SEGMENT_STOPPED, "could not be done by a task before, which says why")
    return found


def _known(error: Exception, segment: str) -> PerennialError:
    """Return *error*, whose advice is logged; of one that nobody foresaw, that a retry may help."""
    if not isinstance(error, PerennialError):
        _log.exception("%s: ended by an error of its own", segment)
        return TransientError(Code.SEGMENT_STOPPED, f"was ended by {type(error).__name__}; the log says where")
    _log.error("%s: %s%s", segment, error, f"\n{error.fix}" if error.fix else "")
    return error
