"""Which segments a verb is about, and what becomes of it for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import typer

from perennial import wiring
from perennial.core.errors import PerennialError
from perennial.core.names import name as checked_name
from perennial.core.receipts import ALL
from perennial.core.several import gathered, told_of

if TYPE_CHECKING:
    from perennial.definition.models import Definition

T = TypeVar("T")

Segment = Annotated[
    str | None,
    typer.Option("--segment", help="The segment. Needed where the model has several.", show_default=False),
]
AnySegment = Annotated[
    str | None,
    typer.Option("--segment", help="Only this segment. Default: every segment of the model.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What became of a verb: by segment what it gave, and what it could not do."""

    results: dict[str, T]
    errors: tuple[PerennialError, ...]

    def end(self, *more: PerennialError) -> None:
        """Return where all could be done.

        Raises:
            PerennialError: Everything that could not, and *more*, in one.
        """
        if errors := (*self.errors, *more):
            raise gathered(errors)


def segment_named(definition: Definition, segment: str | None) -> str:
    """Return the segment that is named, or the only one.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
    """
    from perennial.definition.segment_of import segment_of  # noqa: PLC0415 - the definition, for the verbs that need it

    return segment_of(definition, segment)


def chosen(definition: Definition, segment: str | None) -> tuple[str, ...]:
    """Return the segment that is named, or all of them.

    Raises:
        RejectedError: SEGMENT_UNKNOWN.
    """
    return definition.segment_names if segment is None else (segment_named(definition, segment),)


def recorded(model: str, segment: str | None) -> tuple[str, ...]:
    """Return the segment that is named, though the definition may not have it any more, or all that the definition has.

    A model without a definition may have been one without segments.

    Raises:
        DefinitionError: NAME_INVALID, or the faults of the definition.
    """
    from perennial.definition.loader import load  # noqa: PLC0415 - YAML, for the verbs that need it

    if segment is not None:
        return (checked_name(segment, "segment"),)
    path = wiring.definitions_folder() / f"{checked_name(model, 'model')}.yml"
    return load(path).segment_names if path.is_file() else (ALL,)


def each(segments: tuple[str, ...], run: Callable[[str], T]) -> Done[T]:
    """Do *run* for each of *segments*. What one of several cannot do does not stop the others.

    Raises:
        PerennialError: The only one cannot be done.
    """
    if len(segments) == 1:
        return Done({segments[0]: run(segments[0])}, ())
    results: dict[str, T] = {}
    errors: list[PerennialError] = []
    for name in segments:
        try:
            results[name] = run(name)
        except PerennialError as error:
            errors.append(told_of(name, error))
    return Done(results, tuple(errors))


def said_of(definition: Definition, segment: str) -> str:
    """Return what stands in front of a line about *segment*: nothing where the model has no segments."""
    return f"{segment}: " if definition.segments else ""
