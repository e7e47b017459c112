"""Whether templates in the arguments of notifiers name what there is: of anything else Jinja makes nothing, and says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from jinja2 import Environment, TemplateSyntaxError, meta, nodes
from pydantic import JsonValue

from perennial.core.codes import Code
from perennial.core.shown import shown
from perennial.definition.document import Finding, Loc
from perennial.definition.messages import MESSAGE, PARTS, Channel

_ALLOWED = tuple(f"{MESSAGE}.{part}" for part in PARTS)
_MUST = f"must use {', '.join(_ALLOWED[:-1])} or {_ALLOWED[-1]}"
_ENVIRONMENT = Environment(autoescape=True)  # it only reads: nothing is rendered with it


def unknown_names(channel: Channel) -> Iterator[Finding]:
    """Yield each name that no message has, in any text of the channel's arguments, at its place in the channel."""
    for loc, text in _texts(channel.arguments, ("arguments",)):
        if "{{" in text or "{%" in text:
            yield from (Finding(loc, Code.DEFINITION_TEMPLATE, message) for message in _wrong(text))


def _wrong(text: str) -> Iterator[str]:
    try:
        names = _names(text)
    except TemplateSyntaxError as error:
        yield f"must be a template that Jinja can read, which stops at line {error.lineno}"
        return
    for name in sorted(names - set(_ALLOWED)):
        yield f"{_MUST}, got {shown(name)}{_meant(name)}"


def _texts(value: JsonValue, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Yield every text in *value* with its place; Airflow renders those in lists and mappings, too."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*loc, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, (*loc, place))


def _names(text: str) -> set[str]:
    """Return what the template asks for that is not its own: each name, with the attribute that is asked of it."""
    tree = _ENVIRONMENT.parse(text)
    asked = meta.find_undeclared_variables(tree) - set(_ENVIRONMENT.globals)
    parts = {(first, part) for first, part in _parts(tree) if first in asked}
    return {f"{first}.{part}" for first, part in parts} | (asked - {first for first, _ in parts})


def _parts(tree: nodes.Template) -> Iterator[tuple[str, object]]:
    """Yield each attribute or item that is asked of a name; one that only the rendering knows is a question mark."""
    for got in tree.find_all(nodes.Getattr):
        if isinstance(got.node, nodes.Name):
            yield got.node.name, got.attr
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.node, nodes.Name):
            yield item.node.name, item.arg.value if isinstance(item.arg, nodes.Const) else "?"


def _meant(name: str) -> str:
    """Return the part of a message that is nearest, as a question; nothing where none is near."""
    close = get_close_matches(name.rpartition(".")[2], PARTS, n=1)
    return f"; did you mean {MESSAGE}.{close[0]}?" if close else ""
