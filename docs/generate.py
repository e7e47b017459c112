"""Writes the documents that the code is the source of, or checks that they are current.

``python docs/generate.py --check`` (part of ``make check``) names what is stale; ``--write`` writes it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from inspect import getdoc
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from sqlalchemy.dialects import postgresql

from perennial.cli import app
from perennial.core.codes import Code
from perennial.definition.fields import Part, size
from perennial.definition.models import Definition
from perennial.definition.schema import schema_json
from perennial.quality.catalog import SUPPORTED
from perennial.stores import migrations
from perennial.stores.tables import SCHEMA, metadata

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Written by docs/generate.py; edit the code, then run `make docs FIX=1`. -->\n\n"


ERRORS = """# Errors

Every fault has a stable code. A message says where, what was found and what is allowed:

```text
config/models/bike_demand.yml:90: evaluation.gates.baseline: must be less than 1, got 1.5 [DEFINITION_RANGE]
```

Two axes decide what happens next. A **terminal** error fails its task at once, for a retry cannot help; a **transient** one
(`STORE_UNAVAILABLE`, `LEASE_HELD`) is retried. Among the terminal ones the class says who must act: the definition's author, the
data's owner, whoever keeps the store, or nobody, where somebody else got there first.
"""


def errors() -> str:
    """Return the list of all error codes."""
    rows = "\n".join(f"| `{code}` | {code.meaning} |" for code in sorted(Code))
    return f"{NOTE}{ERRORS}\n| code | meaning |\n| --- | --- |\n{rows}\n"


def command_line() -> str:
    """Return the reference of the command line."""
    root = typer.main.get_command(app)
    return f"{NOTE}# Command line\n\n{getdoc(sys.modules['perennial.cli'])}\n\n" + "\n".join(_commands(root, "perennial")) + "\n"


def _commands(command: object, path: str) -> Iterator[str]:
    """Yield a section for each command below *command*, a Click command or group."""
    children = getattr(command, "commands", None)
    if children:
        for name in sorted(children):
            yield from _commands(children[name], f"{path} {name}")
        return
    help_text = (getattr(command, "help", "") or "").strip()
    yield f"## {path}\n\n{help_text}\n"
    parameters = [item for item in getattr(command, "params", []) if item.name != "help"]
    if parameters:
        yield "| argument or option | meaning |\n| --- | --- |"
        for item in parameters:
            named = item.param_type_name == "option"
            shown = ", ".join((*item.opts, *item.secondary_opts)) if named else item.name.upper()
            yield f"| `{shown}` | {(getattr(item, 'help', '') or '').strip()} |"
        yield ""


DEFINITION = """# Definition

One YAML file per model in `config/models/`, called `<name>.yml`. Durations are written `30m`, `24h`, `7d`; shares `5%` or `0.05`.
Unknown keys are refused. `perennial check` says everything that is wrong at once.

"""


def definition() -> str:
    """Return the reference of definitions."""
    return NOTE + DEFINITION + "\n".join(_section(Definition, ""))


def _section(part: type[Part], path: str) -> Iterator[str]:
    yield f"## {path or 'top level'}\n\n{getdoc(part)}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |"
    below: list[tuple[str, type[Part]]] = []
    for name, field in part.model_fields.items():
        inner = _inner(field.annotation)
        below += [(f"{path}.{name}".lstrip("."), inner)] if inner else []
        kind = "size" if _of_size(field.metadata) else _type_text(field.annotation)
        yield f"| `{name}` | {kind} | {_default(field)} | {' '.join((field.description or '').split())} |"
    yield ""
    for name, inner in below:
        yield from _section(inner, name)


def _inner(annotation: object) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    found = (_inner(item) for item in get_args(annotation))
    return next((item for item in found if item is not None), None)


def _type_text(annotation: object) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _SHAPES:
        return _SHAPES[origin](arguments)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return "section"
    members = getattr(annotation, "__members__", None)
    if members:
        return " or ".join(f"`{item.value}`" for item in members.values())
    name = getattr(annotation, "__name__", "any")
    return _NAMES.get(name, name)


def _of_size(metadata: Sequence[object]) -> bool:
    """Return whether a value is read as a size of memory: a number in the code, a text in the file."""
    return any(getattr(item, "func", None) is size for item in metadata)


def _either(arguments: tuple[object, ...]) -> str:
    return " or ".join(_type_text(item) for item in arguments if item is not type(None))


def _list(arguments: tuple[object, ...]) -> str:
    return f"list of {_type_text(arguments[0])}"


_NAMES = {"str": "text", "timedelta": "duration", "int": "whole number", "float": "number", "bool": "true or false"}
_SHAPES: dict[object, Callable[[tuple[object, ...]], str]] = {
    Literal: lambda arguments: " or ".join(f"`{item}`" for item in arguments),
    Annotated: lambda arguments: "size" if _of_size(arguments[1:]) else _type_text(arguments[0]),
    Union: _either,
    UnionType: _either,
    tuple: _list,
    list: _list,
    dict: lambda _: "mapping",
}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    written = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    value = written.get("default", field.get_default(call_default_factory=True))
    if value in (None, {}, ()) or isinstance(value, Part):
        return "-"
    return f"`{getattr(value, 'value', value)}`"


EXPECTATIONS = """# Expectations

Great Expectations' names and arguments; those that are not in the table are refused by `perennial check`. An expectation about rows
names the rows that do not meet it, and they go into quarantine; one about the table fails the whole night.

They are checked in one pass over the snapshot, in memory that does not grow with it, and with the results that Great Expectations
has on pandas: a test compares the two on random rows. `perennial validation MODEL --great-expectations` prints them as it does.
These differences are meant:

- No rows meet nothing.
- Lengths and patterns of what is no text: a whole number is always written `1` (pandas writes `1.0` where another is missing), zero
  never has a sign, and a moment has a fraction of a second only where it is not 0.
- Of a pair, a missing value is never above another, nor below it, whatever the type.
- Text is never read as a moment, and a moment in a set of unwanted values must be in ISO 8601.
- A decimal is compared as float64; whether it is unique is decided by all of its digits.

| expectation | speaks about | needs | may have |
| --- | --- | --- | --- |
"""


def expectations() -> str:
    """Return the table of supported expectations."""
    return NOTE + EXPECTATIONS + "".join(_expectation(name) for name in sorted(SUPPORTED))


def _expectation(name: str) -> str:
    item = SUPPORTED[name]
    needs, may = (", ".join(f"`{one}`" for one in sorted(part)) for part in (item.required, item.optional))
    return f"| `{name}` | {'rows' if item.by_row else 'the table'} | {needs} | {may} |\n"


DATABASE = """# Database

Everything is in the schema `perennial` of the ledger's PostgreSQL. The views are for people and stay as they are from version to
version, or the changelog says so; the tables may change with a migration. Only Perennial writes them.

"""
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own
COMMENT = re.compile(r"COMMENT ON (?P<kind>VIEW|COLUMN) perennial\.(?P<name>[a-z_.]+) IS\s+'(?P<text>(?:[^']|'')*)';")


def database() -> str:
    """Return the views with their comments in the migrations, and the tables."""
    return NOTE + DATABASE + "\n".join((*_views(), *_tables())) + "\n"


def _views() -> Iterator[str]:
    files = sorted(Path(migrations.__file__).parent.glob("versions/*.sql"))
    found = [item for file in files for item in COMMENT.finditer(file.read_text(encoding="utf-8"))]
    comments = {item["name"]: item["text"].replace("''", "'") for item in found}  # what was said last holds
    for view in sorted(item["name"] for item in found if item["kind"] == "VIEW"):
        yield f"## View {view}\n\n{comments[view]}\n\n| column | meaning |\n| --- | --- |"
        named = ((name.removeprefix(f"{view}."), text) for name, text in comments.items() if name.startswith(f"{view}."))
        yield from (f"| `{name}` | {text} |" for name, text in named)
        yield ""


def _tables() -> Iterator[str]:
    for table in sorted(metadata.tables.values(), key=lambda item: item.name):
        yield f"## Table {table.name}\n\n| column | type | names |\n| --- | --- | --- |"
        for column in table.columns:
            kind = column.type.compile(DIALECT).lower() + (", may be null" if column.nullable else "")
            key = "key; " if column.primary_key else ""
            names = ", ".join(sorted(f"`{item.target_fullname.removeprefix(f'{SCHEMA}.')}`" for item in column.foreign_keys))
            yield f"| `{column.name}` | {kind} | {f'{key}{names}'.removesuffix('; ')} |"
        yield ""


JUDGED = "<!-- Below: benchmarks/JUDGED.md. Run `make judge`, then `make docs FIX=1`. -->\n"


def monitoring() -> str:
    """Return the account of the monitoring, which is written by hand, with the figures of the last judging at its end."""
    written = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8").partition(JUDGED)[0]
    _, _, judged = (ROOT / "benchmarks" / "JUDGED.md").read_text(encoding="utf-8").partition("\n")
    return written + JUDGED + judged.replace("\n## ", "\n### ")


DOCUMENTS: dict[str, Callable[[], str]] = {
    "config/model.schema.json": schema_json,
    "docs/errors.md": errors,
    "docs/monitoring.md": monitoring,
    "docs/reference/cli.md": command_line,
    "docs/reference/database.md": database,
    "docs/reference/definition.md": definition,
    "docs/reference/expectations.md": expectations,
}


def main() -> int:
    """Write or check every document."""
    stale = [name for name, content in DOCUMENTS.items() if not _is_current(ROOT / name, content())]
    if "--write" in sys.argv:
        for name in stale:
            (ROOT / name).write_text(DOCUMENTS[name](), encoding="utf-8")
            print(f"wrote {name}")
        return 0
    for name in stale:
        print(f"{name} is stale: run `make docs FIX=1`")
    return 1 if stale else 0


def _is_current(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


if __name__ == "__main__":
    sys.exit(main())
