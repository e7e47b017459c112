"""Frozen records that are kept as compact JSON beside a model version or a night."""

from __future__ import annotations

from typing import Literal, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from perennial.core.codes import Code
from perennial.core.digest import digest_bytes
from perennial.core.errors import ArtifactError
from perennial.core.newest import Newest


class Frozen(BaseModel):
    """A frozen record. Unknown fields are refused, and nothing is coerced from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


MOST_BYTES = 1 << 26
"""About so much memory the records may take together that were read a moment ago: a night reads a few several times."""

_BYTES_A_CHARACTER = 4
"""So much a record takes for each byte of its JSON, where that is not packed: a number of eight digits takes 32."""


class Stored(Frozen):
    """A record with a version, which round-trips through JSON."""

    version: Literal[1] = 1

    @property
    def unpacked_bytes(self) -> int:
        """About how much memory is taken by what its JSON holds packed."""
        return 0

    def to_json(self) -> bytes:
        """Return the record as JSON in UTF-8 without spaces; equal records give equal bytes."""
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Return the record that *content* holds: the same one for what was read a moment ago.

        Raises:
            ArtifactError: ARTIFACT_FORMAT, *content* is not such a record, or has another version.
        """
        try:
            found, _ = _newest.get((cls, digest_bytes(content)), lambda: (cls.model_validate_json(content), len(content)))
        except ValidationError as error:
            places = sorted({".".join(map(str, fault["loc"])) or "the whole" for fault in error.errors(include_input=False)})
            message = f"must be a {cls.__name__} of version 1, does not fit at {', '.join(places[:5])}"
        else:
            return cast("Self", found)
        raise ArtifactError(Code.ARTIFACT_FORMAT, message, where=cls.__name__.lower())


def _size(read: tuple[Stored, int]) -> int:
    record, content = read
    return _BYTES_A_CHARACTER * content + record.unpacked_bytes


_newest: Newest[tuple[type[Stored], str], tuple[Stored, int]] = Newest(MOST_BYTES, _size)
