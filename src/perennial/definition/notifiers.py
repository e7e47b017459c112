"""Whether the notifiers that a definition names are there: nobody else looks for them before there is something to tell."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from perennial.core.codes import Code
from perennial.definition.document import Finding
from perennial.definition.models import Definition

_ALLOWED = "must be the class of a notifier whose provider is installed, package.module:Class"


def missing_notifiers(definition: Definition, *, deep: bool) -> Iterator[Finding]:
    """Yield each notifier that nothing could be sent with.

    Args:
        definition: The model.
        deep: Import it, which costs seconds and runs its module; else it is enough that its module is there.
    """
    for place, channel in enumerate(definition.messages.to if definition.messages else ()):
        why = _why_missing(channel.notifier, deep=deep)
        if why:
            message = f"{_ALLOWED}, got {channel.notifier}: {why}"
            yield Finding(("messages", "to", place, "notifier"), Code.DEFINITION_MISSING, message)


def _why_missing(path: str, *, deep: bool) -> str | None:
    module, _, name = path.partition(":")
    try:
        if find_spec(module) is None:
            return f"there is no module {module}"
        found = getattr(import_module(module), name, None) if deep else type
    except Exception as error:  # noqa: BLE001 - importing somebody's module may raise anything
        return f"{module} cannot be imported ({type(error).__name__}: {error})"
    return None if isinstance(found, type) else f"{module} has no class {name}"
