"""What a job returned, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A job that ended well.

    Attributes:
        value: What it returned: JSON types.
        seconds: How long it took, on the wall's clock.
        cpu_seconds: How long processors worked for it.
        memory: The most memory that it had beyond what it began with, in bytes.
    """

    value: dict[str, Any]
    seconds: float
    cpu_seconds: float
    memory: int
