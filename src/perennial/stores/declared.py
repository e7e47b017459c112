"""What a definition declares of a file's columns, against what the file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

import pyarrow as pa

from perennial.core.codes import Code
from perennial.core.errors import Fault
from perennial.core.shown import MAX_SHOWN, shown
from perennial.stores.arrow_types import INSTANT, canonical

KINDS: dict[str, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "text": pa.string(),
    "moment": INSTANT,
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
"""The canonical type of each declared one."""
_STORED_AS: dict[str, tuple[pa.DataType, ...]] = {
    "number": (pa.float64(), pa.int64()),
    "integer": (pa.int64(), pa.float64()),  # whole ones; each value is looked at
    "text": (pa.string(),),
    "moment": (INSTANT, pa.string()),  # in ISO 8601 with an offset
    "boolean": (pa.bool_(),),
    "date": (pa.date32(),),
}
_MOST_EXTRA = 20


def declared_kind(declared: Mapping[str, str], name: str) -> pa.DataType | None:
    """Return the canonical type that is declared of the column *name*, or None."""
    return KINDS[declared[name]] if name in declared else None


def declared_faults(kinds: Mapping[str, pa.DataType], declared: Mapping[str, str], where: str) -> list[Fault]:
    """Return a SCHEMA_TYPE for every column that is stored as another type than the declared one.

    Args:
        kinds: The type in the store, by column; each has a canonical type.
        declared: The declared types.
        where: The file, for the faults.
    """
    return [
        Fault(Code.SCHEMA_TYPE, f"must be {declared[name]}, as declared, is {kind}", f"{where}: {name}")
        for name, kind in kinds.items()
        if name in declared and canonical(kind) not in (*_STORED_AS[declared[name]], pa.null())
    ]


def undeclared_faults(found: Sequence[str], declared: Mapping[str, str], where: str) -> list[Fault]:
    """Return a SCHEMA_EXTRA for every column that is not declared, with the missing one that it may be under another name.

    Where no declared column is there at all, nothing is said: then the first row is no header, and may hold values.
    """
    missing = [name for name in declared if name not in found]
    if len(missing) == len(declared):
        return []
    return list(_extra([name for name in found if name not in declared][:_MOST_EXTRA], missing, where))


def _extra(names: list[str], missing: list[str], where: str) -> Iterator[Fault]:
    for name in names:
        close = get_close_matches(name[:MAX_SHOWN].strip().lower(), missing, n=1)
        meant = f", did you mean '{close[0]}', which is missing?" if close else ""
        yield Fault(Code.SCHEMA_EXTRA, f"must be declared in columns, is not{meant}", f"{where}: {shown(name)[1:-1]}")
