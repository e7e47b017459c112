"""Whether messages could be sent: nobody else looks for notifiers, or into their templates, before there is something to tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from perennial.core.codes import Code
from perennial.definition.document import Finding
from perennial.definition.messages import Channel
from perennial.definition.models import Definition
from perennial.definition.templates import unknown_names

_ALLOWED = "must be the class of a notifier whose provider is installed, package.module:Class"
_NO_MODULE = "there is no module"


def missing_notifiers(definition: Definition, *, deep: bool, dags: Path | None = None) -> Iterator[Finding]:
    """Yield each notifier that nothing could be sent with.

    Args:
        definition: The model.
        deep: Import it, which costs seconds and runs its module; else it is enough that its module is there.
        dags: The folder of DAG files, which Airflow imports from, too; None where that is seen to.
    """
    for place, channel in enumerate(_channels(definition)):
        with _importable(dags):
            why = _why_missing(channel.notifier, deep=deep)
        if why:
            looked = f", nor in the folder of DAG files {dags}" if dags and why.startswith(_NO_MODULE) else ""
            message = f"{_ALLOWED}, got {channel.notifier}: {why}{looked}"
            yield Finding(("messages", "to", place, "notifier"), Code.DEFINITION_MISSING, message)


def wrong_templates(definition: Definition) -> Iterator[Finding]:
    """Yield each name in a template of a notifier that would silently be nothing. No code is imported."""
    for place, channel in enumerate(_channels(definition)):
        for finding in unknown_names(channel):
            yield finding._replace(loc=("messages", "to", place, *finding.loc))


def _channels(definition: Definition) -> tuple[Channel, ...]:
    return definition.messages.to if definition.messages else ()


@contextmanager
def _importable(folder: Path | None) -> Iterator[None]:
    """Import from *folder*, too, as long as the context lasts: last, as Airflow does, unless it does so already."""
    if folder is None or str(folder) in sys.path:
        yield
        return
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _why_missing(path: str, *, deep: bool) -> str | None:
    module, _, name = path.partition(":")
    try:
        if find_spec(module) is None:
            return f"{_NO_MODULE} {module}"
        found = getattr(import_module(module), name, None) if deep else type
    except Exception as error:  # noqa: BLE001 - importing somebody's module may raise anything
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            return f"{_NO_MODULE} {error.name}"
        return f"{module} cannot be imported ({type(error).__name__}: {error})"
    return None if isinstance(found, type) else f"{module} has no class {name}"
