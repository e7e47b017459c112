"""Which DAGs there are: one pair per good definition, with its schedule and page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, get_parsing_context

from perennial import wiring
from perennial.core.errors import DefinitionError, Fault
from perennial.definition.calendar import last_interval, midnight
from perennial.definition.document import field_text
from perennial.definition.loader import load, load_folder
from perennial.definition.models import Definition
from perennial.definition.notifiers import missing_notifiers, wrong_templates
from perennial.orchestration.batches import largest_batch
from perennial.orchestration.describe import doc, tags
from perennial.orchestration.retry import task_defaults


def definitions() -> Iterator[Definition]:
    """Yield the good definitions; in a task's own process only the one that its DAG is of."""
    folder = wiring.definitions_folder()
    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        yield from load_folder(folder).definitions
        return
    file = folder / f"{dag_id.partition('_')[2]}.yml"
    if file.exists():
        yield load(file)


def refuse_broken_definitions() -> None:
    """Raise everything that is wrong with any definition, in the words of ``perennial check``.

    Raises:
        DefinitionError: All faults of all files.
    """
    if get_parsing_context().dag_id is not None:
        return
    loaded = load_folder(wiring.definitions_folder())
    faults = [fault for error in loaded.errors for fault in error.faults]
    faults += [fault for definition in loaded.definitions for fault in _of_messages(definition)]
    if faults:
        raise DefinitionError.of(faults)


def _of_messages(definition: Definition) -> Iterator[Fault]:
    """Yield why messages could not be sent, or would say nothing. No notifier is imported, which every parse would pay for."""
    for finding in (*missing_notifiers(definition, deep=False), *wrong_templates(definition)):
        yield Fault(finding.code, finding.message, f"{definition.name}.yml: {field_text(finding.loc)}")


def timetable(definition: Definition, cron: str | None) -> CronDataIntervalTimetable | None:
    """Return when runs start, each with the interval since the tick before; None where only requests and people start one."""
    return CronDataIntervalTimetable(cron, timezone=definition.schedule.timezone) if cron else None


def about(definition: Definition, flow: str, cron: str | None) -> dict[str, Any]:
    """Return the arguments of a DAG that do not shape its flow: its page, tags and dates, its tasks' retries and timeouts."""
    return {
        "dag_display_name": f"{flow}: {definition.title}",
        "description": definition.purpose,
        "doc_md": doc(definition),
        "tags": tags(definition, flow),
        "start_date": midnight(definition.schedule.start, definition.schedule.timezone),
        "end_date": _last_start(definition, cron),
        "default_args": task_defaults(definition.owner, segments=largest_batch(definition)),
    }


def _last_start(definition: Definition, cron: str | None) -> datetime | None:
    """Return the last moment at which an interval may start, so that none is due on ``schedule.end`` or later."""
    schedule = definition.schedule
    if schedule.end is None or cron is None:
        return None
    end = midnight(schedule.end, schedule.timezone)
    last = last_interval(cron, schedule.timezone, end - timedelta(seconds=1))
    return last.start if last else end


def digest_wanted(dag_id: str) -> bool:
    """Return whether the DAG of digests is to be there: some model wants one, or a task of it asks."""
    asked = get_parsing_context().dag_id
    if asked is not None:
        return asked == dag_id
    return any(found.messages and found.messages.digest for found in load_folder(wiring.definitions_folder()).definitions)
