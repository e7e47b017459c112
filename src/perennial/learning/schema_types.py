"""Which types a model's file names, and whether each may be loaded by what the file would have load it."""

from __future__ import annotations

from typing import Any

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError
from perennial.learning.archive import nodes
from perennial.learning.listed import listed_fault
from perennial.learning.refusals import refusals
from perennial.learning.trusted import OBJECTS, TRUSTED

_SHOWN = 5
_SHOWN_LENGTH = 200
_POOL_SIZE = "4"  # words of a seed, as JSON


def checked_types(schema: dict[str, Any], where: str, listed: frozenset[str]) -> list[str]:
    """Return the types that a file holds.

    Args:
        schema: From ``checked_schema``.
        where: The model, for error messages.
        listed: Classes that this installation trusts beside those of ``trusted.py``. They are loaded as instances, never as
            functions or by calling them, and only where they are estimators.

    Raises:
        ArtifactError: ARTIFACT_UNTRUSTED_TYPE, a type that is not trusted, or one that would be called while the file is built.
    """
    all_nodes = list(nodes(schema))
    found = {(str(node["__loader__"]), _type(node)) for node in all_nodes}
    own = TRUSTED[OBJECTS]
    allowed = {**TRUSTED, OBJECTS: own | listed}
    strange = sorted({name for loader, name in found if name not in allowed.get(loader, frozenset())})
    if strange:
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        named = ", ".join(ascii(name[:_SHOWN_LENGTH])[1:-1] for name in strange[:_SHOWN])
        raise _untrusted(f"must be made of trusted types only, got {named}{more}", where)
    for name in sorted({name for loader, name in found if loader == OBJECTS and name not in own}):
        if fault := listed_fault(name):
            raise _untrusted(f"must be made of trusted types only, and {name} {fault}", where)
    with refusals(Code.ARTIFACT_FORMAT, "cannot be built", where):
        if any(_CALLS.get(str(node["__loader__"]), _no)(node) for node in all_nodes):
            raise _untrusted("must be made of types that are not called, got a call", where)
    return sorted({name for _, name in found})


def _type(node: dict[str, Any]) -> str:
    return f"{node.get('__module__')}.{node.get('__class__')}"


def _no(_: dict[str, Any]) -> bool:
    return False


def _calls_for_keys(node: dict[str, Any]) -> bool:
    """Return whether building a dict would call something else than types: what is there for its keys is called with them."""
    types = node["key_types"]
    return types["__loader__"] != "ListNode" or any(one["__loader__"] != "TypeNode" for one in types["content"])


def _calls_with_figures(node: dict[str, Any]) -> bool:
    """Return whether building a generator would call its seed with another size than every seed has: it may be any."""
    return bool(node["content"]["seed_seq"]["content"]["pool_size"]["content"] != _POOL_SIZE)


_CALLS = {"DictNode": _calls_for_keys, "RandomGeneratorNode": _calls_with_figures}


def _untrusted(message: str, where: str) -> ArtifactError:
    return ArtifactError(Code.ARTIFACT_UNTRUSTED_TYPE, message, where=where)
