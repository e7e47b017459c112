"""Frozen records that are kept as compact JSON beside a model version or a night."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from perennial.core.codes import Code
from perennial.core.errors import ArtifactError


class Frozen(BaseModel):
    """A frozen record. Unknown fields are refused, and nothing is coerced from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=Frozen)


@lru_cache(maxsize=32)
def _read(kind: type[S], content: bytes) -> S:
    """Return the record that *content* holds, the same one for what was read a moment ago: a night reads a few several times."""
    return kind.model_validate_json(content)


class Stored(Frozen):
    """A record with a version, which round-trips through JSON."""

    version: Literal[1] = 1

    def to_json(self) -> bytes:
        """Return the record as JSON in UTF-8 without spaces; equal records give equal bytes."""
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Return the record that *content* holds.

        Raises:
            ArtifactError: ARTIFACT_FORMAT, *content* is not such a record, or has another version.
        """
        try:
            found: Self = _read(cls, content)
        except ValidationError as error:
            places = sorted({".".join(map(str, fault["loc"])) or "the whole" for fault in error.errors(include_input=False)})
            message = f"must be a {cls.__name__} of version 1, does not fit at {', '.join(places[:5])}"
        else:
            return found
        raise ArtifactError(Code.ARTIFACT_FORMAT, message, where=cls.__name__.lower())
